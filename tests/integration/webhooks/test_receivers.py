"""The example receivers, and the official JavaScript library, take what the dispatcher's own code sends."""

import asyncio
import importlib.util
import io
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.util import setup_testing_defaults

import django
import httpx
import pytest
from django.conf import settings as django_settings
from django.test import RequestFactory
from tests.integration.webhooks.harness import decision, receiving, score

from greenlane.webhook_receiver import Effect, Inbox, Receiver
from greenlane.webhooks.dispatcher.sending.network import GuardedBackend
from greenlane.webhooks.dispatcher.sending.resolver import Resolver
from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.signing import Ed25519Key, Scheme, load_key, new_secret, sign

EXAMPLES = Path(__file__).parents[3] / "examples" / "webhook_receivers"
OLD = new_secret(Scheme.V1, lambda size: b"o" * size)
NEW = new_secret(Scheme.V1A, lambda size: b"n" * size)
Post = Callable[[bytes, dict[str, str]], int]
Maker = Callable[[list[str], Effect], Post]


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_fastapi(keys: list[str], effect: Effect) -> Post:
    app = example("fastapi_receiver").build_app(keys, effect, Inbox())

    async def once(body: bytes, headers: dict[str, str]) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as http:
            return (await http.post("/hooks", content=body, headers=headers)).status_code

    return lambda body, headers: asyncio.run(once(body, headers))


def with_wsgi(keys: list[str], effect: Effect) -> Post:
    app = example("wsgi_receiver").build_app(keys, effect, Inbox())

    def post(body: bytes, headers: dict[str, str]) -> int:
        environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        setup_testing_defaults(environ)
        statuses: list[str] = []
        list(app(environ, lambda status, _headers: statuses.append(status)))
        return int(statuses[0].split()[0])

    return post


def with_django(keys: list[str], effect: Effect) -> Post:
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="only for this test")
        django.setup()
    view = example("django_receiver").build_view(keys, effect, Inbox())

    def post(body: bytes, headers: dict[str, str]) -> int:
        request = RequestFactory().post("/hooks", body, content_type="application/json", headers=headers)
        return int(view(request).status_code)

    return post


@pytest.mark.parametrize("make", [with_fastapi, with_wsgi, with_django])
def test_an_example_takes_what_is_genuine_once_and_nothing_older(make: Maker) -> None:
    accepted: list[dict[str, Any]] = []
    post = make([OLD], lambda event, _database: accepted.append(event))
    keys = [load_key(NEW), load_key(OLD)]

    def signed(webhook_id: str, body: bytes) -> dict[str, str]:
        return sign(keys, webhook_id, int(time.time()), body)

    newer, older = (score("s-1", number).model_dump_json().encode() for number in (2, 1))
    badge = decision("s-1", 1).model_dump_json().encode()
    test = json.dumps({"type": "endpoint.test", "data": {}}).encode()
    for webhook_id, body in (("a", newer), ("a", newer), ("b", older), ("c", badge), ("d", test)):
        assert post(body, signed(webhook_id, body)) == 204
    assert [(event["type"], event["data"]["sequence"]) for event in accepted] == [
        ("seller.score.updated", 2),
        ("badge.granted", 1),
    ]
    assert post(badge + b" ", signed("e", badge)) == 401
    assert post(badge, {}) == 401
    assert post(b"{}", signed("f", b"{}")) == 204
    assert post(b'{"type":"badge.granted"}', signed("g", b'{"type":"badge.granted"}')) == 422
    assert len(accepted) == 2


@pytest.mark.parametrize("make", [with_wsgi, with_django])
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("character", ["\udcff", "\xff", "\xe9"], ids=ascii)
def test_an_example_refuses_bytes_that_no_genuine_header_has(make: Maker, name: str, character: str) -> None:
    post = make([OLD], lambda _event, _database: pytest.fail("nothing of it may be used"))
    body = decision("s-1", 1).model_dump_json().encode()
    headers = sign([load_key(OLD)], "msg_1", int(time.time()), body)
    assert post(body, headers | {name: headers[name] + character}) == 401


@pytest.mark.parametrize("make", [with_fastapi, with_wsgi, with_django])
def test_an_example_whose_effect_fails_once_does_it_at_the_next_attempt(make: Maker) -> None:
    accepted: list[dict[str, Any]] = []

    def effect(event: dict[str, Any], _database: object) -> None:
        if not failed:
            failed.append(True)
            raise ConnectionError("the receiver's database is away for a moment")
        accepted.append(event)

    failed: list[bool] = []
    post = make([OLD], effect)
    body = decision("s-1", 1).model_dump_json().encode()
    headers = sign([load_key(OLD)], "msg_1", int(time.time()), body)
    with pytest.raises(ConnectionError):  # the frameworks' own servers answer 500 with it
        post(body, headers)
    assert [post(body, headers) for _ in range(3)] == [204] * 3
    assert len(accepted) == 1


@pytest.mark.parametrize("name", ["wsgi_receiver", "fastapi_receiver"])
def test_the_effect_of_an_example_keeps_the_newest_event_of_each_seller(name: str) -> None:
    inbox = Inbox()
    receiver = Receiver([OLD], example(name).keep, inbox)
    for number in (1, 3, 2):
        body = score("s-1", number).model_dump_json().encode()
        headers = sign([load_key(OLD)], f"msg_{number}", int(time.time()), body)
        assert receiver.reply(headers, body, time.time()).status == 204
    with inbox.once("other", time.time()) as turn:
        ((text,),) = turn.database.execute("SELECT event FROM standing").fetchall()
    assert json.loads(text)["data"]["sequence"] == 3
    inbox.close()


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("npm")
    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "standardwebhooks@1.0.0"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=200)
    if done.returncode:
        pytest.skip("npm could not install standardwebhooks: no network?")
    return folder


VERIFY = """
const { Webhook } = require("standardwebhooks");
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const results = given.map(({ secret, body, headers }) => {
  try { new Webhook(secret).verify(body, headers); return "accepted"; } catch (error) { return error.message; }
});
console.log(JSON.stringify(results));
"""


def verified_by_node(folder: Path, given: list[dict[str, Any]]) -> list[str]:
    done = subprocess.run(
        ["node", "-e", VERIFY],  # noqa: S607 - found on the path as people would
        cwd=folder,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    results: list[str] = json.loads(done.stdout)
    return results


async def test_the_javascript_library_accepts_what_arrives_while_keys_rotate(node_modules: Path) -> None:
    body = decision("s-1", 1).model_dump_json().encode()
    key = load_key(NEW)
    assert isinstance(key, Ed25519Key)
    resolver = Resolver()
    transport = Transport(GuardedBackend(resolver, allow_private=True))
    async with receiving() as receiver:
        headers = sign([key, load_key(OLD)], "msg_1", int(time.time()), body)
        await transport.post(receiver.url(), headers, body)
        (got,) = receiver.requests
    await transport.close()
    resolver.close()
    genuine = {"secret": OLD, "body": got.body.decode(), "headers": got.headers}
    stranger = genuine | {"secret": new_secret(Scheme.V1, lambda size: b"x" * size)}
    altered = genuine | {"body": got.body.decode() + " "}
    accepted, *refused = await asyncio.to_thread(verified_by_node, node_modules, [genuine, stranger, altered])
    assert accepted == "accepted"
    assert refused == ["No matching signature found"] * 2
