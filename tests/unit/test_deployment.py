"""docker-compose.yml, the Dockerfile and Prometheus agree with the services, the settings and each other.

`make image` builds the image and runs the services as the file says; here the rest is checked: shape, commands,
variables, ports, files.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from greenlane.operations.health import SERVICE_PORTS
from greenlane.operations.metrics import ALL, Series
from greenlane.publishing.gateway.process import GATEWAY_PORT
from greenlane.settings import OPTIONAL_SERVICES, SERVICES, Settings
from greenlane.webhooks.api.server import API_PORT

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
INSIDE = 9100
EVERY = (*SERVICES, *OPTIONAL_SERVICES)
Duration = Annotated[str, Field(pattern=r"^(\d+(us|ms|s|m|h))+$")]
PublishedPort = Annotated[str, Field(pattern=r"^127\.0\.0\.1:\d{1,5}:\d{1,5}$")]


class Strict(BaseModel):
    """The part of the Compose specification that the file uses; anything else in it is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Build(Strict):
    context: str
    dockerfile: str


class Healthcheck(Strict):
    test: list[str] = []
    interval: Duration = "30s"
    timeout: Duration = "30s"
    start_period: Duration = "0s"
    retries: int = 3
    disable: bool = False


class Dependency(Strict):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class ComposeService(Strict):
    image: str
    build: Build | None = None
    command: list[str] = []
    environment: dict[str, str] = {}
    profiles: list[str] = []
    ports: list[PublishedPort] = []
    volumes: list[str] = []
    networks: list[str] = []
    depends_on: dict[str, Dependency] = {}
    healthcheck: Healthcheck | None = None
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    stop_grace_period: Duration = "10s"
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []


class Network(Strict):
    internal: bool = False


class Volume(Strict):
    """A named volume with the defaults."""


class Compose(Strict):
    name: str
    services: dict[str, ComposeService]
    networks: dict[str, Network]
    volumes: dict[str, Volume]


@pytest.fixture(scope="module")
def compose() -> Compose:
    read = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return Compose.model_validate({name: part for name, part in read.items() if not name.startswith("x-")})


@pytest.fixture(scope="module")
def prometheus() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    return read


def ours(compose: Compose) -> dict[str, ComposeService]:
    return {name: service for name, service in compose.services.items() if service.build is not None}


def test_the_compose_file_is_one_by_the_specifications_own_schema() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_service_runs_once_by_its_own_name_after_the_topics_exist(compose: Compose) -> None:
    commands = {name: service.command for name, service in ours(compose).items()}
    assert commands == {"topics": ["topics", "apply"]} | {name: ["run", name] for name in EVERY}
    for name in EVERY:
        assert compose.services[name].depends_on["topics"].condition == "service_completed_successfully"


def test_only_what_is_optional_waits_for_its_profile(compose: Compose) -> None:
    assert {name: service.profiles for name, service in compose.services.items() if service.profiles} == {
        name: [name] for name in OPTIONAL_SERVICES
    }


def test_services_share_one_image_that_exists_as_a_dockerfile(compose: Compose) -> None:
    assert len({service.image for service in ours(compose).values()}) == 1
    for service in ours(compose).values():
        assert service.build is not None
        assert (ROOT / service.build.dockerfile).is_file()


def test_variables_are_settings_and_say_what_the_settings_accept(compose: Compose) -> None:
    known = {f"GREENLANE_{name.upper()}" for name in Settings.model_fields}
    for name, service in ours(compose).items():
        assert set(service.environment) <= known, name
        literal: dict[str, Any] = {
            variable.removeprefix("GREENLANE_").lower(): filled_in(value)
            for variable, value in service.environment.items()
            if variable != "GREENLANE_WEBHOOK_ENCRYPTION_KEY"
        }
        settings = Settings(**literal)
        assert settings.host == "0.0.0.0"  # noqa: S104 - inside a container's own network
        assert settings.port == INSIDE
        assert "kafka" in settings.kafka_bootstrap_servers


def filled_in(value: str) -> str:
    """The value with each interpolation's default in place."""
    return re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", lambda match: match.group(1) or "", value)


def test_each_service_is_given_the_secrets_it_needs_and_none_is_written_down(compose: Compose) -> None:
    database, encryption = "GREENLANE_DATABASE_URL", "GREENLANE_WEBHOOK_ENCRYPTION_KEY"
    needed = {
        "webhook_dispatcher": {database, encryption},
        "webhook_api": {database, encryption},
        "gateway": {database},
    }
    for name, service in ours(compose).items():
        assert set(service.environment) & {database, encryption} == needed.get(name, set()), name
    for service in compose.services.values():
        for variable, value in service.environment.items():
            if re.search("PASSWORD|KEY$", variable):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), (
                    f"{variable} must come from outside, or stop the start"
                )


def test_each_service_is_published_on_loopback_at_its_documented_port(compose: Compose) -> None:
    for name in EVERY:
        own = {"webhook_api": API_PORT, "gateway": GATEWAY_PORT}.get(name)
        door = [] if own is None else [f"127.0.0.1:{own}:{own}"]
        assert compose.services[name].ports == [f"127.0.0.1:{SERVICE_PORTS[name]}:{INSIDE}", *door]
    published = [port.split(":")[1] for service in compose.services.values() for port in service.ports]
    assert len(published) == len(set(published))


def test_services_run_without_privileges_and_have_time_to_stop(compose: Compose) -> None:
    for name, service in ours(compose).items():
        assert service.read_only, name
        assert service.cap_drop == ["ALL"], name
        assert service.security_opt == ["no-new-privileges:true"], name
        assert int(service.stop_grace_period.removesuffix("s")) > 30, name


def test_names_used_are_declared(compose: Compose) -> None:
    for name, service in compose.services.items():
        assert set(service.depends_on) <= set(compose.services), name
        assert set(service.networks) <= set(compose.networks), name
        for mount in service.volumes:
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose.volumes, mount
        for dependency, how in service.depends_on.items():
            if how.condition == "service_healthy":
                assert compose.services[dependency].healthcheck is not None, dependency


def test_images_name_a_version_and_kafka_is_the_one_we_embed(compose: Compose) -> None:
    kafka = (ROOT / "services/greenlane/operations/embedded/kafka.py").read_text(encoding="utf-8")
    embedded = re.search(r'KAFKA_VERSION = "([\d.]+)"', kafka)
    assert embedded is not None
    assert compose.services["kafka"].image == f"apache/kafka:{embedded.group(1)}"
    for name, service in compose.services.items():
        assert re.search(r":v?\d", service.image), name


def test_prometheus_scrapes_each_service_where_it_serves(compose: Compose, prometheus: dict[str, Any]) -> None:
    targets = {
        job["job_name"]: job["static_configs"] for job in prometheus["scrape_configs"] if "static_configs" in job
    }
    assert targets == {name: [{"targets": [f"{name}:{INSIDE}"]}] for name in SERVICES}
    found = {job["job_name"]: job["dns_sd_configs"] for job in prometheus["scrape_configs"] if "dns_sd_configs" in job}
    assert found == {name: [{"names": [name], "type": "A", "port": INSIDE}] for name in OPTIONAL_SERVICES}
    mounts = compose.services["prometheus"].volumes
    assert "./deploy/prometheus:/etc/prometheus:ro" in mounts


def test_the_image_is_built_from_locked_requirements_and_runs_greenlane_as_nobody_special() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert any("--require-hashes -r requirements/runtime.txt" in line for line in lines)
    assert 'ENTRYPOINT ["greenlane"]' in lines
    assert next(line for line in reversed(lines) if line.startswith("USER")) == "USER 10001:10001"
    assert f"EXPOSE {INSIDE}" in lines
    stages = [line for line in lines if line.startswith("FROM")]
    assert len(stages) == 2


def test_what_the_image_copies_and_installs_from_exists_and_is_not_ignored() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]
    ]
    installed = re.findall(r"-r (\S+)", text)
    assert copied
    assert installed
    for path in (*copied, *installed):
        assert (ROOT / path).exists(), path
    files = [path for path in (*copied, *installed) if (ROOT / path).is_file()]
    assert {f"!{path}" for path in files} <= set(ignored)
    for folder in (path for path in copied if (ROOT / path).is_dir()):
        assert any(pattern.startswith(f"!{folder}/") for pattern in ignored), folder


def test_alerts_name_only_metrics_that_exist() -> None:
    known = {definition.full_name for definition in ALL}
    named: set[str] = set()
    for file in (PROMETHEUS / "alerts").glob("*.yml"):
        named |= set(re.findall(r"greenlane_\w+", file.read_text(encoding="utf-8")))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} <= known


def test_every_alert_is_tested_to_fire_and_to_stay_silent() -> None:
    for file in (PROMETHEUS / "alerts").glob("*.yml"):
        groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        alerts = {rule["alert"] for group in groups for rule in group["rules"]}
        cases = yaml.safe_load((PROMETHEUS / "tests" / file.name).read_text(encoding="utf-8"))["tests"]
        checks = [check for case in cases for check in case["alert_rule_test"]]
        assert {check["alertname"] for check in checks if check.get("exp_alerts")} == alerts
        assert {check["alertname"] for check in checks if not check.get("exp_alerts")} == alerts


@pytest.mark.parametrize(
    "arguments", [("check", "config", "prometheus.yml"), ("test", "rules", "tests/pipeline.yml")], ids=" ".join
)
def test_prometheus_accepts_its_configuration_and_the_alerts_behave(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    done = subprocess.run([promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_definition_passes_promtools_lint() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    registry = CollectorRegistry()
    Series(registry, ALL)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=generate_latest(registry), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
