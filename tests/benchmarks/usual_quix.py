"""The usual way on quixstreams, in an environment of its own: `python -m tests.benchmarks.usual_quix '{...}'`."""

import json
import sys
from datetime import date
from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.dataframe import StreamingDataFrame
from quixstreams.models.serializers import BytesSerializer
from tests.benchmarks.usual_work import Record, entry_name, fold, new_account, read, scored, stated


class Second(BytesSerializer):  # type: ignore[misc] # not installed where types are checked
    """Of key and value the value."""

    def __call__(self, value: Any, ctx: Any) -> bytes:
        return super().__call__(value[1], ctx)  # type: ignore[no-any-return] # not installed where types are checked


def score(value: bytes, key: bytes, timestamp: int, headers: Any) -> Any:
    context = message_context()
    return scored(Record(context.topic, context.partition, context.offset, timestamp, key, value, headers))


def account(value: bytes, state: State, open_day: date) -> Any:
    said = read(value)
    if said is None:
        return None
    kept = state.get("account") or new_account()
    name = entry_name(said)
    entry = fold(kept, state.get(name), said)
    if entry is None:
        return None
    state.set(name, entry)
    state.set("account", kept)
    return stated(kept, said, open_day)


def topology(app: Application, options: dict[str, Any]) -> StreamingDataFrame:
    source = app.topic(options["source"], key_deserializer="bytes", value_deserializer="bytes")
    output = app.topic(options["output"], key_serializer="bytes", value_serializer=Second())
    stream = app.dataframe(source)
    if options["kind"] == "quix_scorer":
        stream = stream.apply(score, metadata=True)
    else:
        open_day = date.fromisoformat(options["open_day"])
        stream = stream.apply(lambda value, state: account(value, state, open_day), stateful=True)
    return stream.filter(lambda found: found is not None).to_topic(output, key=lambda found: found[0])


def main() -> None:
    options = json.loads(sys.argv[1])
    app = Application(
        broker_address=options["servers"],
        consumer_group=options["group"],
        auto_offset_reset="earliest",
        commit_interval=0.5,
        state_dir=options["folder"],
        loglevel="WARNING",
    )
    topology(app, options)
    app.run()


if __name__ == "__main__":
    main()
