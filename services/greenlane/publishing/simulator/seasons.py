"""How demand changes over a year of a Vietnamese marketplace: sale days, the weeks before Tet, and the holiday itself.

The factors are invented but plausible; the dates are those of the calendar.
"""

from datetime import date, timedelta

SALE_DAYS: dict[tuple[int, int], float] = {
    (3, 3): 1.8,
    (6, 6): 2.0,
    (8, 8): 2.0,
    (9, 9): 3.0,
    (10, 10): 2.5,
    (11, 11): 4.0,
    (12, 12): 3.5,
}
"""Demand of the days on which month and day are the same number, 1 being an ordinary day."""

TET: tuple[date, ...] = (
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
    date(2027, 2, 6),
    date(2028, 1, 26),
    date(2029, 2, 13),
    date(2030, 2, 2),
)
"""The first day of the lunar year in Vietnam; a year that is not here has no Tet."""

_EVE, _DAY_AFTER, _SECOND_DAY_AFTER = 0.7, 1.8, 1.3
_AROUND_TET: tuple[tuple[int, int, float], ...] = (
    (-24, -10, 1.6),
    (-9, -4, 1.9),
    (-3, -1, 0.5),
    (0, 4, 0.1),
    (5, 9, 0.6),
)
"""First and last day, counted from Tet, and the demand between."""

_WEEKEND = 0.85
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


def demand(day: date) -> float:
    """Orders of a day, 1 being an ordinary working day."""
    for tet in TET:
        apart = (day - tet).days
        for first, last, factor in _AROUND_TET:
            if first <= apart <= last:
                return factor
    if (day.month, day.day) in SALE_DAYS:
        return SALE_DAYS[day.month, day.day]
    for moved, factor in ((1, _EVE), (-1, _DAY_AFTER), (-2, _SECOND_DAY_AFTER)):
        near = day + moved * _ONE_DAY
        if (near.month, near.day) in SALE_DAYS:
            return factor
    return _WEEKEND if day.weekday() >= _SATURDAY else 1.0
