"""One seller's account read from real topics: what stands in the window, and what cannot be found."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from kafka import KafkaProducer
from tests.integration.accounts.test_oracle_recompute import CLOSING_THEN_LATE, POLICY, PUBLISHED, Pipeline, silent
from typer.testing import CliRunner

from greenlane.accounts.oracle.seller_events import SellerAccount, SellerUnknownError, read_seller
from greenlane.cli.app import app
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.scores import AccountSums
from greenlane.contracts.topics import declared_topics
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.seller.account import assess_all, totals_of
from greenlane.operations.topic_provisioning import apply
from greenlane.settings import load_settings


@pytest.fixture
def pipeline(fresh_kafka: str, tmp_path: Path) -> Iterator[Pipeline]:
    policy_file = tmp_path / "policy.yaml"
    policy_file.write_text(POLICY)
    settings = load_settings(kafka_bootstrap_servers=fresh_kafka, marketplaces=("shop",), policy_file=policy_file)
    apply(fresh_kafka, declared_topics(("shop",)), 2, 1)
    producer = KafkaProducer(bootstrap_servers=fresh_kafka)
    yield Pipeline(settings, producer)
    producer.close()


def read(pipeline: Pipeline, seller: str) -> SellerAccount:
    settings = pipeline.settings
    policy = load_policy(settings.policy_file)
    return read_seller(settings.kafka_bootstrap_servers, "shop", seller, policy, progress=silent)


def test_what_stands_of_a_seller_comes_to_the_sums_of_the_account_and_the_command_line_says_so(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_later = DayClosed(marketplace="shop", first_day=date(2026, 6, 15), last_day=date(2026, 9, 20))
    scores, _ = pipeline.state(pipeline.publish([*PUBLISHED, *CLOSING_THEN_LATE]))
    published = {score.subject: score for score in scores}
    for seller, parcels in (("ann", ["a1", "a2"]), ("bob", ["b1"])):
        account = read(pipeline, seller)
        totals = totals_of(assess_all(account.declarations, load_method()))
        assert sorted(one.parcel_id for one in account.declarations) == parcels
        assert account.statement == published[seller]
        assert AccountSums.of(*totals) == account.statement.data.sums
        assert account.missing == 0
    with pytest.raises(SellerUnknownError, match="greenlane scores"):
        read(pipeline, "eve")

    monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", pipeline.settings.kafka_bootstrap_servers)
    monkeypatch.setenv("GREENLANE_POLICY_FILE", str(pipeline.settings.policy_file))
    explained = CliRunner().invoke(app, ["explain", "--seller", "shop/ann"])
    assert explained.exit_code == 0, explained.output
    assert "the same sums as the pipeline's" in explained.output
    advised = CliRunner().invoke(app, ["advise", "--seller", "shop/ann", "--json"])
    assert advised.exit_code == 0, advised.output
    assert '"change": "declare"' in advised.output

    pipeline.publish([far_later])
    assert [one.parcel_id for one in read(pipeline, "ann").declarations] == []
