"""The receiver's inbox: the effect first, then the mark, each once, in the sellers' own order."""

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenlane.webhook_receiver import KEEP_SECONDS, Effect, Inbox, Receiver, Reply
from greenlane.webhooks.dispatcher.schedule import DELAYS, JITTER, LONGEST_HOLD
from greenlane.webhooks.signing import Scheme, load_key, new_secret, sign

NOW = 1_782_900_000.0
SECRET = new_secret(Scheme.V1, lambda size: b"k" * size)
DAY = "2026-07-01"


def an_event(sequence: int = 1, kind: str = "seller.score.updated", day: str = DAY, **data: object) -> bytes:
    place = {"marketplace": "demo-vn", "seller_id": "s-1", "day": day, "sequence": sequence}
    return json.dumps({"id": f"{day}/{sequence}", "type": kind, "data": place | data}).encode()


def post(receiver: Receiver, webhook_id: str, body: bytes, now: float = NOW) -> Reply:
    return receiver.reply(sign([load_key(SECRET)], webhook_id, int(now), body), body, now)


class Effects:
    """Counts what was done; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.done: list[str] = []
        self.failures = failures

    def __call__(self, event: dict[str, Any], _database: sqlite3.Connection) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the receiver's database is away for a moment")
        self.done.append(event["id"])


@pytest.fixture(params=["memory", "file"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = Inbox(":memory:" if request.param == "memory" else tmp_path / "inbox.sqlite3", wait_seconds=0.2)
    yield made
    made.close()


@pytest.mark.parametrize("failures", [1, 3])
def test_a_failed_effect_is_done_by_the_next_attempt_and_by_no_later_one(inbox: Inbox, failures: int) -> None:
    effects = Effects(failures)
    receiver = Receiver([SECRET], effects, inbox)
    for _ in range(failures):
        with pytest.raises(ConnectionError):
            post(receiver, "msg_1", an_event())
    for later in (0, 755, 71 * 3600):
        assert post(receiver, "msg_1", an_event(), NOW + later).status == 204
    assert effects.done == [f"{DAY}/1"]


def test_a_failed_effect_leaves_nothing_of_what_it_wrote(inbox: Inbox) -> None:
    def half(event: dict[str, Any], database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS sellers (name TEXT)")
        database.execute("INSERT INTO sellers VALUES (?)", (event["id"],))
        if len(seen) < 1:
            seen.append(event["id"])
            raise ConnectionError

    seen: list[str] = []
    receiver = Receiver([SECRET], half, inbox)
    with pytest.raises(ConnectionError):
        post(receiver, "msg_1", an_event())
    assert post(receiver, "msg_1", an_event()).status == 204
    with inbox.once("other", NOW) as turn:
        assert turn.database.execute("SELECT name FROM sellers").fetchall() == [(f"{DAY}/1",)]


def test_ids_are_kept_longer_than_the_sender_repeats_them() -> None:
    longest = sum(DELAYS) * JITTER[1] + LONGEST_HOLD
    assert longest < KEEP_SECONDS
    inbox, effects = Inbox(), Effects()
    receiver = Receiver([SECRET], effects, inbox)
    webhook = an_event()
    post(receiver, "msg_1", webhook)
    with inbox.once("msg_1", NOW + longest) as turn:
        assert turn.repeated
    with inbox.once("msg_1", NOW + longest + KEEP_SECONDS + 1) as turn:
        assert not turn.repeated
    inbox.close()


def test_a_file_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    effects = Effects()
    for _ in range(3):
        assert post(Receiver([SECRET], effects, Inbox(tmp_path / "inbox")), "msg_1", an_event()).status == 204
    assert effects.done == [f"{DAY}/1"]


def test_many_attempts_at_once_have_one_effect(tmp_path: Path) -> None:
    """Threads of one process, each with a connection of its own, as several processes have."""
    counted = threading.Lock()
    statuses: list[int] = []
    path = tmp_path / "inbox"

    def effect(event: dict[str, Any], database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS effects (id TEXT)")
        database.execute("INSERT INTO effects VALUES (?)", (event["id"],))

    def attempt(receiver: Receiver) -> None:
        start.wait()
        reply = post(receiver, "msg_1", an_event())
        with counted:
            statuses.append(reply.status)

    receivers = [Receiver([SECRET], effect, Inbox(path)) for _ in range(8)]
    start = threading.Barrier(len(receivers))
    threads = [threading.Thread(target=attempt, args=[receiver]) for receiver in receivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [204] * len(receivers)
    with Inbox(path).once("other", NOW) as turn:
        assert turn.database.execute("SELECT id FROM effects").fetchall() == [(f"{DAY}/1",)]


def test_an_attempt_during_a_long_effect_is_asked_to_come_again(inbox: Inbox) -> None:
    effects = Effects()
    receiver = Receiver([SECRET], effects, inbox)
    with inbox.once("msg_0", NOW):
        assert post(receiver, "msg_1", an_event()).status == 503
    assert effects.done == []
    assert post(receiver, "msg_1", an_event()).status == 204
    assert effects.done == [f"{DAY}/1"]


def test_a_mark_that_fails_after_an_effect_elsewhere_repeats_the_effect_with_the_same_event_id() -> None:
    """At least once: only what is written with the connection is exactly once."""

    def effect(event: dict[str, Any], database: sqlite3.Connection) -> None:
        mails[event["id"]] = event  # idempotent by the event's id
        calls.append(event["id"])
        if len(calls) == 1:
            database.execute("DROP TABLE webhook_handled")  # so that the mark cannot be written

    mails: dict[str, Any] = {}
    calls: list[str] = []
    receiver = Receiver([SECRET], effect, Inbox())
    with pytest.raises(sqlite3.OperationalError, match="webhook_handled"):
        post(receiver, "msg_1", an_event())
    assert post(receiver, "msg_1", an_event()).status == 204
    assert post(receiver, "msg_1", an_event()).status == 204
    assert calls == [f"{DAY}/1"] * 2
    assert len(mails) == 1


def test_an_effect_that_commits_by_itself_is_told_so(inbox: Inbox) -> None:
    receiver = Receiver([SECRET], lambda _event, database: database.commit(), inbox)
    with pytest.raises(RuntimeError, match="leave commit and rollback to the inbox"):
        post(receiver, "msg_1", an_event())


def test_order_is_the_sellers_day_and_sequence_whatever_the_time_says(inbox: Inbox) -> None:
    effects = Effects()
    receiver = Receiver([SECRET], effects, inbox)
    steps = [(2, DAY), (1, DAY), (2, DAY), (3, DAY), (0, "2026-07-02"), (4, DAY), (10, "2026-07-02")]
    for number, (sequence, day) in enumerate(steps):
        assert post(receiver, f"msg_{number}", an_event(sequence, day=day)).status == 204
    assert effects.done == [f"{DAY}/2", f"{DAY}/3", "2026-07-02/0", "2026-07-02/10"]


def test_a_failed_effect_does_not_move_the_order_on(inbox: Inbox) -> None:
    effects = Effects(failures=1)
    receiver = Receiver([SECRET], effects, inbox)
    with pytest.raises(ConnectionError):
        post(receiver, "msg_2", an_event(2))
    assert post(receiver, "msg_1", an_event(1)).status == 204
    assert post(receiver, "msg_2", an_event(2)).status == 204
    assert effects.done == [f"{DAY}/1", f"{DAY}/2"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"type":"endpoint.test","data":{}}', 204),
        (b'{"type":"something.new.v9","data":{"sequence":"later"}}', 204),
        (b"{}", 204),
        (b"[]", 401),
        (b"\xff", 401),
        (b'{"type":"badge.granted"}', 422),
        (b'{"type":"badge.granted","data":null}', 422),
        (an_event(-1), 422),
        (an_event(2**63), 422),
        (an_event(day="1"), 422),
        (an_event(day="20260701"), 422),
        (an_event(sequence=True), 422),
        (an_event(sequence="2"), 422),  # type: ignore[arg-type]
        (an_event(sequence=1e400), 422),  # type: ignore[arg-type]
        (an_event(seller_id="\ud800"), 422),
        (an_event(day=None), 422),  # type: ignore[arg-type]
    ],
)
def test_what_is_signed_and_no_event_in_order_has_an_answer_and_no_effect(
    inbox: Inbox, body: bytes, status: int
) -> None:
    effects = Effects()
    assert post(Receiver([SECRET], effects, inbox), "msg_1", body).status == status
    assert effects.done == []


def test_unusable_keys_are_told_at_the_start() -> None:
    never: Callable[[], Effect] = Effects
    with pytest.raises(ValueError, match="keys"):
        Receiver(["whsec_é"], never(), Inbox())
