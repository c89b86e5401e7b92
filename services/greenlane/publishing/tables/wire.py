"""Events of a table as bytes: structured CloudEvents for a file, records of binary mode for Kafka."""

from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.tables.facts import TYPES
from greenlane.publishing.tables.parcels import Made


class Wire:
    """Writes the events of one marketplace as `publishing/sdk/encoding.py` writes models; a test compares the two."""

    def __init__(self, marketplace: str) -> None:
        source = f"/marketplaces/{marketplace}"
        self._lines = {
            word: (
                f'{{"specversion":"1.0","type":"{name}","source":"{source}","id":"',
                '","datacontenttype":"application/json","data":',
            )
            for word, name in TYPES.items()
        }
        self._headers = {
            word: (("ce_specversion", b"1.0"), ("ce_type", name.encode()), ("ce_source", source.encode()))
            for word, name in TYPES.items()
        }

    def line(self, made: Made) -> str:
        """The event as one line of JSON Lines, with its line feed."""
        begin, end = self._lines[made.word]
        return f'{begin}{made.event_id}","subject":"{made.seller}","time":"{made.time}{end}{made.data}}}\n'

    def record(self, made: Made) -> RawRecord:
        """The record that carries the event; its key is the seller."""
        key = made.seller.encode()
        headers = (
            *self._headers[made.word],
            ("ce_id", made.event_id.encode()),
            ("ce_subject", key),
            ("ce_time", made.time.encode()),
            ("content-type", b"application/json"),
        )
        return RawRecord(key, made.data.encode(), headers)
