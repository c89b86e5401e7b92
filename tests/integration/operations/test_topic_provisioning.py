"""The provisioner against a real Kafka."""

from uuid import uuid4

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from greenlane.contracts.topics import declared_topics
from greenlane.operations.kafka_admin import KafkaUnreachableError, kafka_admin
from greenlane.operations.topic_provisioning import Action, ProvisioningError, apply, plan


def settings(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    found = admin.describe_configs([resource], config_filter="all")["topic"][topic]
    return {name: entry["value"] for name, entry in found.items()}


def test_applied_topics_are_as_declared_and_a_second_plan_is_empty(fresh_kafka: str) -> None:
    declared = declared_topics(["shop"])
    carried_out = apply(fresh_kafka, declared, 3, 1)
    assert {change.topic for change in carried_out.pending} == {topic.name for topic in declared}
    assert plan(fresh_kafka, declared, 3, 1).changes == ()
    with kafka_admin(fresh_kafka) as admin:
        for topic in declared:
            assert settings(admin, topic.name).items() >= topic.config().items()


def test_drift_is_altered_back_and_refusals_change_nothing(bootstrap_servers: str, admin: KafkaAdminClient) -> None:
    declared = declared_topics([f"shop-{uuid4().hex[:8]}"])[:1]
    apply(bootstrap_servers, declared, 2, 1)
    topic = declared[0].name
    drift = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, drift)])

    carried_out = apply(bootstrap_servers, declared, 5, 1)

    assert {change.setting for change in carried_out.pending} == {"message.timestamp.type"}
    assert {change.setting for change in carried_out.refused} == {"partitions", "retention.ms"}
    assert settings(admin, topic)["message.timestamp.type"] == "LogAppendTime"
    assert settings(admin, topic)["retention.ms"] == "-1"
    assert len(admin.describe_topics([topic])[0]["partitions"]) == 2
    assert {change.action for change in plan(bootstrap_servers, declared, 2, 1).changes} == {Action.REFUSE}


def test_a_topic_that_kafka_does_not_accept_is_named_with_its_reason(bootstrap_servers: str) -> None:
    declared = declared_topics([f"shop-{uuid4().hex[:8]}"])[:1]
    with pytest.raises(ProvisioningError, match=rf"did not create {declared[0].name}: .*replication"):
        apply(bootstrap_servers, declared, 1, 3)


def test_no_broker_is_one_clear_error() -> None:
    with pytest.raises(KafkaUnreachableError, match=r"No Kafka broker answers at 127\.0\.0\.1:1\. Start it"):
        plan("127.0.0.1:1", (), 1, 1)
