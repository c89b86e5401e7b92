"""The Faust configuration is frozen: each value was chosen against a failure that was measured."""

import faust
from faust.app.base import BootStrategy

from greenlane.streaming import EngineSettings, Stage
from greenlane.streaming.engine_settings import faust_settings
from greenlane.streaming.kafka.transport import BatchConsumer, batch_app
from greenlane.streaming.scheduler import BatchScheduler

STAGE = Stage("toy", "toy_scorer", "0.1.0", "toy-1")


def settings(**changed: object) -> EngineSettings:
    given: dict[str, object] = {
        "group_id": "greenlane-toy",
        "bootstrap_servers": "one:9092, two:9093",
        "topics": ("a", "b"),
        "partitions": 4,
        "stage": STAGE,
        "instance": "pod-0",
    }
    return EngineSettings(**given | changed)  # type: ignore[arg-type] # each value has its field's type


def test_the_faust_settings_are_exactly_these() -> None:
    frozen = faust_settings(settings())
    scheduler = frozen.pop("ConsumerScheduler")()
    assert isinstance(scheduler, BatchScheduler)
    assert frozen == {
        "id": "greenlane-toy",
        "broker": ["aiokafka://one:9092", "aiokafka://two:9093"],
        "broker_client_id": "greenlane-toy-pod-0",
        "autodiscover": False,
        "processing_guarantee": "at_least_once",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "broker_commit_interval": 0.5,
        "broker_session_timeout": 15.0,
        "broker_heartbeat_interval": 3.0,
        "broker_max_poll_records": 32000,
        "consumer_group_instance_id": "pod-0-2cd913df",
        "consumer_auto_offset_reset": "earliest",
        "consumer_metadata_max_age_ms": 10_000,
        "consumer_max_fetch_size": 8_388_608,
        "stream_buffer_maxsize": 2,
        "stream_wait_empty": True,
        "stream_publish_on_commit": False,
        "topic_partitions": 4,
        "topic_replication_factor": 3,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "producer_request_timeout": 30.0,
        "store": "memory://",
        "table_standby_replicas": 0,
        "web_enabled": False,
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "web_graph_enabled": False,
        "web_stats_enabled": False,
        "web_metrics_enabled": False,
        "worker_redirect_stdouts": False,
    }


def test_a_worker_with_other_topics_is_another_static_member() -> None:
    def member(*topics: str) -> object:
        return faust_settings(settings(topics=topics))["consumer_group_instance_id"]

    assert member("a", "b") == member("b", "a") != member("a", "b", "c")
    assert faust_settings(settings(instance=None))["consumer_group_instance_id"] is None


def test_the_app_starts_no_producer_and_no_web_server_and_consumes_through_the_batch_consumer() -> None:
    app = batch_app(faust_settings(settings()))
    assert isinstance(app, faust.App)
    boot = app.boot_strategy
    assert isinstance(boot, BootStrategy)
    assert (list(boot.kafka_producer()), list(boot.web_server())) == ([], [])
    assert app.transport.Consumer is BatchConsumer
