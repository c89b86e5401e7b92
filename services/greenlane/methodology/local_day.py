"""The day where a parcel was packed: dated rules of law hold by it, accounts by the UTC day."""

from datetime import date, datetime, timedelta

_OFFSETS = {"VN": timedelta(hours=7), "BR": timedelta(hours=-3)}
"""Standard time of a country's capital, without daylight saving; every other country: UTC."""

_NONE = timedelta(0)


def local_day(moment: datetime, country: str) -> date:
    """The day in a country at a moment that is given in UTC."""
    return (moment + _OFFSETS.get(country, _NONE)).date()
