"""What every process reports, whatever it does."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.operations.metrics.definitions import PROCESS
from greenlane.operations.metrics.series import Series, bounded

UNEXPECTED = "unexpected"


class ProcessMetrics:
    """Build, readiness, dead letters, errors; `error_kinds` lists what `error` may be told besides `unexpected`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        version: str,
        method_version: str,
        policy_version: str,
        error_kinds: Iterable[str] = (),
    ) -> None:
        series = Series(registry, PROCESS)
        self._kinds = frozenset({UNEXPECTED, *error_kinds})
        self._dead_letters = series.counter("dead_letters_total")
        self._errors = series.counter("errors_total")
        self._recovering = series.gauge("recovering")
        series.gauge("build_info").labels(version, method_version, policy_version).set(1)
        series.start_at_zero("dead_letters_total", ((code,) for code in DeadLetterCode))
        series.start_at_zero("errors_total", ((kind,) for kind in sorted(self._kinds)))
        self._recovering.set(1)

    def dead_letter(self, code: DeadLetterCode) -> None:
        """One record was refused for this reason."""
        self._dead_letters.labels(code).inc()

    def error(self, kind: str) -> None:
        """One error was handled."""
        self._errors.labels(bounded(kind, self._kinds)).inc()

    def ready(self, is_ready: bool, reason: str) -> None:  # noqa: ARG002 - the reason is for /healthz/ready
        """The process is ready to process, or not (start, re-balance, recovery, stop)."""
        self._recovering.set(0 if is_ready else 1)
