"""`greenlane validate --topic` on a real Kafka: the same as for a file, with places on the topic."""

import json
from datetime import UTC, datetime

import pytest
from tests.integration.publishing.reconciling.disturbed import DAMAGES, Making
from tests.integration.publishing.reconciling.place import Place
from typer.testing import CliRunner

from greenlane.cli.app import app


def test_a_topic_is_checked_as_a_file_is(place: Place) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - events must be fresh for the broker's clock
    making = Making(place.marketplace, 5, now)
    for number in range(30):
        parcel = making.parcel(number)
        making.send(making.event(parcel, "packed"))
        making.send(making.event(parcel, "delivered"))
    good = len(making.world.records)
    naive, _ = DAMAGES[0]
    place.publish([*making.world.records, naive(making.event(making.parcel(99), "packed"))])
    report = place.folder / "report.html"
    done = CliRunner().invoke(app, ["validate", "--topic", place.marketplace, "--html", str(report), "--json"])
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    refused = [document for document in documents if "problems" in document and "code" in document]
    assert done.exit_code == 1, done.output
    assert [document["code"] for document in refused] == ["naive_time"]
    assert refused[0]["place"].startswith("partition ")
    assert (documents[-1]["accepted"], documents[-1]["refused"]) == (good, 1)
    assert {item["fact"] for item in documents[-1]["declared"]} >= {"outer_undeclared", "first_mile_undeclared"}
    assert place.topic in report.read_text(encoding="utf-8")


@pytest.mark.usefixtures("place")
def test_a_topic_that_does_not_exist_is_named() -> None:
    done = CliRunner().invoke(app, ["validate", "--topic", "nobody"])
    assert done.exit_code == 2
    assert "greenlane.fulfilment.nobody.v1 does not exist" in done.output
