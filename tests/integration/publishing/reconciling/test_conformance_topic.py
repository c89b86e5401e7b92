"""`greenlane conformance` on a real Kafka: what stands there, and what arrives while it waits."""

import json
from datetime import UTC, datetime

from tests.integration.publishing.reconciling.disturbed import DAMAGES, Making
from tests.integration.publishing.reconciling.place import Place
from typer.testing import CliRunner

from greenlane.cli.app import app


def test_a_topic_is_judged_rule_by_rule_and_one_bad_record_fails_its_rule(place: Place) -> None:
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - events must be fresh for the broker's clock
    making = Making(place.marketplace, 6, now)
    for number in range(20):
        parcel = making.parcel(number)
        parcel.seller = "shop-1"
        making.send(making.event(parcel, "packed"))
        making.send(making.event(parcel, "delivered"))
    naive, _ = DAMAGES[0]
    place.publish([*making.world.records, naive(making.event(making.parcel(99), "packed"))])
    arguments = ["conformance", "--topic", place.marketplace, "--json"]
    done = CliRunner().invoke(app, arguments)
    document = json.loads(done.stdout)
    verdicts = {rule["name"]: rule["verdict"] for rule in document["rules"]}
    assert done.exit_code == 1, done.output
    assert document["records"] == 41
    assert verdicts["key"] == verdicts["one partition a seller"] == verdicts["order of steps"] == "pass"
    assert verdicts["time zone"] == verdicts["refused"] == "fail"
    assert verdicts["corrections"] == verdicts["retractions"] == "not judged"
    waited = CliRunner().invoke(app, [*arguments, "--minutes", "5", "--from-beginning", "--count", "41"])
    assert json.loads(waited.stdout)["records"] == 41
