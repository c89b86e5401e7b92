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
from tests.integration.webhook_harness import decision, receiving, score

from greenlane.webhook_dispatcher.network import GuardedBackend
from greenlane.webhook_dispatcher.resolver import Resolver
from greenlane.webhook_dispatcher.signing import Ed25519Key, Scheme, load_key, new_secret, sign
from greenlane.webhook_dispatcher.transport import Transport

EXAMPLES = Path(__file__).parents[2] / "examples" / "webhook_receivers"
OLD = new_secret(Scheme.V1, lambda size: b"o" * size)
NEW = new_secret(Scheme.V1A, lambda size: b"n" * size)
Post = Callable[[bytes, dict[str, str]], int]
Maker = Callable[[list[str], list[dict[str, Any]]], Post]


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_fastapi(keys: list[str], accepted: list[dict[str, Any]]) -> Post:
    app = example("fastapi_receiver").build_app(keys, accepted)

    async def once(body: bytes, headers: dict[str, str]) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as http:
            return (await http.post("/hooks", content=body, headers=headers)).status_code

    return lambda body, headers: asyncio.run(once(body, headers))


def with_wsgi(keys: list[str], accepted: list[dict[str, Any]]) -> Post:
    app = example("wsgi_receiver").build_app(keys, accepted)

    def post(body: bytes, headers: dict[str, str]) -> int:
        environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        setup_testing_defaults(environ)
        statuses: list[str] = []
        list(app(environ, lambda status, _headers: statuses.append(status)))
        return int(statuses[0].split()[0])

    return post


def with_django(keys: list[str], accepted: list[dict[str, Any]]) -> Post:
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="only for this test")
        django.setup()
    view = example("django_receiver").build_view(keys, accepted)

    def post(body: bytes, headers: dict[str, str]) -> int:
        request = RequestFactory().post("/hooks", body, content_type="application/json", headers=headers)
        return int(view(request).status_code)

    return post


@pytest.mark.parametrize("make", [with_fastapi, with_wsgi, with_django])
def test_an_example_takes_what_is_genuine_once_and_nothing_older(make: Maker) -> None:
    accepted: list[dict[str, Any]] = []
    post = make([OLD], accepted)
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
    assert len(accepted) == 2


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
