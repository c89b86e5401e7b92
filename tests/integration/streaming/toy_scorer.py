"""A third scorer on the streaming engine, whole: how heavy each parcel was, as a process."""

import asyncio
import json
import signal
import sys

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.streaming import (
    EachRecord,
    EngineSettings,
    KafkaRecord,
    Outcome,
    Output,
    SilentObserver,
    Stage,
    run_stateless,
)

STAGE = Stage("weighing", "weight_scorer", "0.1.0", "weight-1")


def weigh(record: KafkaRecord) -> Outcome:
    if not (record.value or b"").isdigit():
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "mass_g", "not a whole number; send grams")
    return Outcome(
        "assessed", (Output(sys.argv[3], record.key or b"", json.dumps({"g": int(record.value or 0)}).encode()),)
    )


async def main(servers: str, source: str) -> None:
    settings = EngineSettings(
        group_id=f"weight-{source}", bootstrap_servers=servers, topics=(source,), partitions=1, stage=STAGE
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_stateless(settings, EachRecord(weigh, STAGE), SilentObserver(), stop, lambda *_: None)


asyncio.run(main(sys.argv[1], sys.argv[2]))
