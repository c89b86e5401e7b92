"""The exact batch engine on Faust and the partition store behind its changelog; knows nothing of parcels."""

from greenlane.contracts.records import KafkaRecord
from greenlane.streaming.dead_letters import DEAD_LETTERED, Stage, dead_letter
from greenlane.streaming.each_record import EachRecord
from greenlane.streaming.engine_settings import EngineSettings
from greenlane.streaming.fatal import EXIT_CODE, StreamingError
from greenlane.streaming.kafka.partitioner import partition_of
from greenlane.streaming.kafka.writer import BatchWriter
from greenlane.streaming.observer import EngineObserver, Ready, SilentObserver
from greenlane.streaming.records import Outcome, Output, PartitionState, StatelessHandler
from greenlane.streaming.run import run_stateful, run_stateless
from greenlane.streaming.state.disk import DiskRows, Layout, Lookup, Mark, Rows
from greenlane.streaming.state.meta import META_KEY, Meta, decode_meta
from greenlane.streaming.state.store import Store

__all__ = [
    "DEAD_LETTERED",
    "EXIT_CODE",
    "META_KEY",
    "BatchWriter",
    "DiskRows",
    "EachRecord",
    "EngineObserver",
    "EngineSettings",
    "KafkaRecord",
    "Layout",
    "Lookup",
    "Mark",
    "Meta",
    "Outcome",
    "Output",
    "PartitionState",
    "Ready",
    "Rows",
    "SilentObserver",
    "Stage",
    "StatelessHandler",
    "Store",
    "StreamingError",
    "dead_letter",
    "decode_meta",
    "partition_of",
    "run_stateful",
    "run_stateless",
]
