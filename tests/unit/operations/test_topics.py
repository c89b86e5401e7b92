"""What the provisioner makes of a difference between declared and actual topics."""

import pytest

from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, DEAD_LETTERS, RULES, Topic, declared_topics
from greenlane.operations.topic_provisioning import Action, ActualTopic, compare, wanted_config

DECLARED = declared_topics(["shop"])
BY_NAME = {topic.name: topic for topic in DECLARED}


def as_declared(partitions: int = 4, replication: int = 1) -> dict[str, ActualTopic]:
    return {
        topic.name: ActualTopic(partitions if topic.keyed else 1, replication, wanted_config(topic, replication))
        for topic in DECLARED
    }


def with_config(topic: Topic, **config: str) -> dict[str, ActualTopic]:
    named = {name.replace("_", "."): value for name, value in config.items()}
    return {topic.name: ActualTopic(4, 1, wanted_config(topic, 1) | named)}


def test_nothing_changes_when_all_is_as_declared() -> None:
    assert compare(as_declared(), DECLARED, 4, 1).changes == ()


def test_every_missing_topic_is_created_with_the_wanted_partitions_and_those_without_keys_with_one() -> None:
    changes = compare({}, DECLARED, 6, 1).changes
    assert {change.topic for change in changes} == set(BY_NAME)
    assert {change.action for change in changes} == {Action.CREATE}
    single = {name for name, topic in BY_NAME.items() if not topic.keyed}
    assert single == {DEAD_LETTERS, RULES}
    assert {change.wanted for change in changes if change.topic not in single} == {"6 partitions"}
    assert {change.wanted for change in changes if change.topic in single} == {"1 partitions"}


def test_growing_a_keyed_topic_is_refused_with_the_reason_and_the_remedy() -> None:
    refused = compare(as_declared(partitions=4), DECLARED, 8, 1).refused
    assert {change.topic for change in refused} == {topic.name for topic in DECLARED if topic.keyed}
    assert "recompute into new topics" in refused[0].reason


def test_taking_partitions_away_is_refused() -> None:
    refused = compare(as_declared(partitions=4), DECLARED, 2, 1).refused
    assert refused[0].setting == "partitions"
    assert "cannot be taken away" in refused[0].reason


def test_a_missing_changelog_is_created_with_the_partitions_that_assessments_have() -> None:
    actual = as_declared(partitions=8)
    del actual[AGGREGATOR_CHANGELOG]
    created = [change for change in compare(actual, DECLARED, 4, 1).changes if change.action is Action.CREATE]
    assert [(change.topic, change.wanted) for change in created] == [(AGGREGATOR_CHANGELOG, "8 partitions")]


def test_unequal_partitions_of_assessments_and_changelog_are_refused() -> None:
    actual = as_declared(partitions=4) | {
        AGGREGATOR_CHANGELOG: ActualTopic(2, 1, wanted_config(BY_NAME[AGGREGATOR_CHANGELOG], 1))
    }
    settings = {change.setting for change in compare(actual, DECLARED, 4, 1).refused}
    assert f"partitions of {ASSESSMENTS}" in settings


@pytest.mark.parametrize(
    ("setting", "current", "action"),
    [
        ("retention_ms", "1000", Action.ALTER),
        ("retention_ms", "-1", Action.REFUSE),
        ("retention_ms", "99999999999999", Action.REFUSE),
        ("max_message_bytes", "1", Action.ALTER),
        ("message_timestamp_type", "CreateTime", Action.ALTER),
        ("cleanup_policy", "compact,delete", Action.ALTER),
        ("cleanup_policy", "compact", Action.REFUSE),
        ("min_insync_replicas", "2", Action.REFUSE),
    ],
)
def test_configuration_that_drifted_is_altered_but_never_so_that_records_are_lost(
    setting: str, current: str, action: Action
) -> None:
    topic = BY_NAME[DEAD_LETTERS]
    changes = compare(with_config(topic, **{setting: current}), [topic], 4, 1).changes
    assert [change.action for change in changes] == [action]
    assert bool(changes[0].reason) == (action is Action.REFUSE)


def test_an_assessments_topic_that_loses_its_beginning_is_made_to_keep_it() -> None:
    topic = BY_NAME[ASSESSMENTS]
    (change,) = compare(with_config(topic, retention_ms=str(400 * 86_400_000)), [topic], 4, 1).changes
    assert (change.action, change.setting, change.wanted) == (Action.ALTER, "retention.ms", "-1")


def test_keeping_records_for_ever_is_a_widening_from_any_retention() -> None:
    topic = BY_NAME[AGGREGATOR_CHANGELOG]
    changes = compare(with_config(topic, retention_ms="1000", cleanup_policy="delete"), [topic], 4, 1).changes
    assert {change.action for change in changes} == {Action.ALTER}


def test_too_few_replicas_are_refused_and_named() -> None:
    refused = compare(as_declared(replication=1), DECLARED, 4, 3).refused
    assert {change.setting for change in refused} == {"replication"}
    assert len(refused) == len(DECLARED)


def test_with_three_replicas_two_must_acknowledge() -> None:
    assert wanted_config(DECLARED[0], 3)["min.insync.replicas"] == "2"
    assert wanted_config(DECLARED[0], 1)["min.insync.replicas"] == "1"


def test_a_plan_counts_and_tells_its_changes_as_plain_values() -> None:
    told = compare({}, DECLARED[:1], 4, 1).to_json()
    assert told["pending"] == 1
    assert told["refused"] == 0
    assert told["changes"][0]["action"] == "create"
