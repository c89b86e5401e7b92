"""A real Prometheus beside a running stack, with the deployed rules and configuration; only targets differ."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from greenlane.operations.embedded.folder import choose_port

DEPLOYED = Path(__file__).parents[3] / "deploy" / "prometheus"
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class PrometheusError(Exception):
    """Prometheus is missing or did not start; the text names the remedy."""


class Prometheus:
    """Scrapes `targets` (job to port on loopback) as deployed, evaluates the deployed rules, and tells its alerts."""

    def __init__(self, folder: Path, targets: Mapping[str, int]) -> None:
        program = shutil.which("prometheus")
        if program is None:
            raise PrometheusError("prometheus is not installed; on Debian: apt-get install prometheus")
        self._port = choose_port(0, "free some ports")
        self._log = folder / "prometheus.log"
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config(targets)), encoding="utf-8")
        self._command = [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def _config(targets: Mapping[str, int]) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text(encoding="utf-8"))
        config["rule_files"] = [str(DEPLOYED / pattern) for pattern in config["rule_files"]]
        for job in config["scrape_configs"]:
            job["static_configs"] = [{"targets": [f"127.0.0.1:{targets[job['job_name']]}"]}]
        return config

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise PrometheusError(f"prometheus did not start: {self._log.read_text(errors='replace')[-400:]}")
            time.sleep(0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=2):
                return True
        except OSError:
            return False

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of every series that the expression has now."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/query?{query}", timeout=30) as answer:
            result = json.load(answer)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def alerts(self, state: str = "firing") -> list[dict[str, str]]:
        """The labels of every alert that is in this state (`pending`, `firing`) now."""
        return [labels for labels, _ in self.query(f'ALERTS{{alertstate="{state}"}}')]

    def alerts_since(self, seconds: float, state: str = "firing") -> list[dict[str, str]]:
        """The labels of every alert that was in this state at any evaluation of the last `seconds`."""
        return [labels for labels, _ in self.query(f'count_over_time(ALERTS{{alertstate="{state}"}}[{seconds:.0f}s])')]
