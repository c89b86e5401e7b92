"""`greenlane reconcile` on a real Kafka: everything that was disturbed on purpose is found with its reason, no more."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition
from tests.integration.publishing.reconciling.disturbed import Making, Truth, World
from tests.integration.publishing.reconciling.place import Place
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.contracts.declarations import standing
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.seller.account import assess_all, totals_of
from greenlane.methodology.seller.score import green_points

SEED = 20_261_130


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - events must be fresh for the broker's clock


def told(findings: list[dict[str, Any]]) -> set[Truth]:
    return {Truth(item["kind"], item["parcel"], item["step"], item["reason"]) for item in findings}


def test_five_hundred_of_five_hundred_disturbances_are_found_with_their_reasons_and_nothing_else(place: Place) -> None:
    world = Making(place.marketplace, SEED, now()).make(parcels=1_000, disturbed=500)
    place.publish(world.records)
    letters = place.write_letters()
    done, findings, summary = place.reconcile(world.csv())
    assert done.exit_code == 1, done.output
    assert len(world.truths) == 500
    _same(world, findings)
    assert len(findings) == 500
    refused = [item for item in findings if item["kind"] == "refused"]
    assert summary["topic"]["letters"] == letters > len(refused)
    assert all(item["letter"] and item["fields"] and "refused (" in item["because"] for item in refused)
    listed = summary["list"]
    counts = Counter(item["kind"] for item in findings)
    assert listed["steps"] - listed["steps_there"] == counts["missing"] + counts["refused"]
    assert [item["kind"] for item in findings] == sorted(counts.elements(), key=list(summary["found"]).index)


def _same(world: World, findings: list[dict[str, Any]]) -> None:
    found = told(findings)
    assert found - world.truths == set(), "found and not true"
    assert world.truths - found == set(), "true and not found"


def test_what_retention_removed_cannot_be_known_and_is_never_called_missing(place: Place) -> None:
    making = Making(place.marketplace, SEED + 1, now())
    world = making.make(parcels=60, disturbed=20)
    place.publish(world.records)
    _forget(place, partition=0)
    done, findings, summary = place.reconcile(world.csv())
    kinds = {item["kind"] for item in findings}
    assert done.exit_code == 1
    assert "missing" not in kinds
    dropped = {(truth.parcel, truth.step) for truth in world.truths if truth.kind == "missing"}
    unknown = {(item["parcel"], item["step"]) for item in findings if item["kind"] == "cannot_be_known"}
    assert dropped <= unknown, "what was dropped may have stood on the partition that lost its beginning"
    assert summary["topic"]["lost_partitions"] == [0]
    assert "lost its beginning" in done.stderr


def _forget(place: Place, partition: int) -> None:
    """Remove every record of a partition, as retention does."""
    admin = KafkaAdminClient(bootstrap_servers=place.servers)
    where = TopicPartition(place.topic, partition)
    consumer = KafkaConsumer(bootstrap_servers=place.servers)
    end = consumer.end_offsets([where])[where]
    assert end > 0
    admin.delete_records({where: end})
    consumer.close()
    admin.close()


def test_another_seller_an_unlisted_parcel_and_another_day_are_found(place: Place) -> None:
    making = Making(place.marketplace, SEED + 2, now())
    world = making.make(parcels=30, disturbed=0)
    first = making.parcel(900)
    stranger, moved, shifted = making.parcel(902), making.parcel(903), making.parcel(904)
    for parcel in (first, moved, shifted):
        making.list(parcel)
    for step in ("packed", "delivered"):
        making.send(making.event(first, step))
        making.send(making.event(stranger, step))
        making.send(making.event(moved, step, subject="shop-of-another"))
    making.send(making.event(shifted, "packed", time=(shifted.packed - (now() - shifted.packed) * 6).isoformat()))
    making.send(making.event(shifted, "delivered"))
    place.publish(making.world.records)
    _, findings, _ = place.reconcile(world.csv(), "--delayed-after", "2000")
    found = {(item["kind"], item["parcel"], item["step"], item["reason"]) for item in findings}
    assert found == {
        ("unknown", stranger.id, "packed", "parcel_not_listed"),
        ("unknown", stranger.id, "delivered", "parcel_not_listed"),
        ("other_seller", moved.id, "packed", "other_seller"),
        ("other_seller", moved.id, "delivered", "other_seller"),
        ("other_time", shifted.id, "packed", "other_time"),
    }


def test_a_list_of_ids_alone_is_compared_by_parcel_and_a_table_for_people_names_the_remedy(place: Place) -> None:
    making = Making(place.marketplace, SEED + 3, now())
    there, gone = making.parcel(1), making.parcel(2)
    making.send(making.event(there, "packed"))
    place.publish(making.world.records)
    file = place.folder / "ids.csv"
    file.write_text(f"tracking number,note\n{there.id},a\n{gone.id},b\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["reconcile", str(file), "--marketplace", place.marketplace])
    assert done.exit_code == 1, done.output
    assert gone.id in done.stdout
    assert there.id not in done.stdout
    assert "Publish it; an event that arrives twice counts once." in done.stdout
    assert "the list names no seller" in done.stderr


def test_the_costs_of_delays_are_the_scores_with_and_without_them(place: Place) -> None:
    making = Making(place.marketplace, SEED + 4, now())
    parcels = [making.parcel(number) for number in range(12)]
    for parcel in parcels:
        parcel.seller = "shop-1"
    for parcel in parcels[:6]:
        parcel.packed -= 10 * (now() - parcel.packed)
    for parcel in parcels:
        making.list(parcel)
        making.send(making.event(parcel, "packed"))
        making.send(making.event(parcel, "delivered"))
    place.publish(making.world.records)
    file = place.folder / "list.csv"
    file.write_bytes(making.world.csv())
    arguments = ["reconcile", str(file), "--marketplace", place.marketplace, "--country", "VN", "--json"]
    lines = [json.loads(line) for line in CliRunner().invoke(app, arguments).stdout.splitlines()]
    costs = [line["cost"] for line in lines if "cost" in line]
    method, prior = load_method(), load_policy().prior_parcels
    events = [read_document(json.dumps(item).encode(), now()) for item in making.sent]
    late = {f"{parcel.id}.packed" for parcel in parcels[:6]}
    whole, without = (
        green_points(totals_of(assess_all(standing(kept)[f"{place.marketplace}/shop-1"], method)), prior)
        for kept in (events, [event for event in events if event.id not in late])
    )
    assert len(costs) == 1
    assert costs[0]["delayed"] == 6
    assert costs[0]["with"] == pytest.approx(float(whole), abs=1e-4)
    assert costs[0]["without"] == pytest.approx(float(without), abs=1e-4)
    assert costs[0]["points"] == pytest.approx(float(whole - without), abs=1e-4)


def test_without_the_right_to_read_dead_letters_the_reasons_are_found_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenlane.publishing.reconciliation.topic_side.DEAD_LETTERS", f"none-{place.marketplace}")
    world = Making(place.marketplace, SEED + 5, now()).make(parcels=40, disturbed=40)
    place.publish(world.records)
    done, findings, summary = place.reconcile(world.csv())
    _same(world, findings)
    assert summary["topic"]["letters"] is None
    assert "the dead letters could not be read" in done.stderr


def test_a_parcel_in_two_accounts_is_found_where_the_list_names_no_seller(place: Place) -> None:
    making = Making(place.marketplace, SEED + 6, now())
    twice, once = making.parcel(1), making.parcel(2)
    for parcel in (twice, once):
        making.send(making.event(parcel, "packed"))
    making.send(making.event(twice, "packed", subject="shop-of-another", id="another.packed"))
    place.publish(making.world.records)
    content = f"tracking number,note\n{twice.id},a\n{once.id},b\n".encode()
    _, findings, _ = place.reconcile(content)
    assert told(findings) == {Truth("doubled", twice.id, "packed", "two_sellers")}
