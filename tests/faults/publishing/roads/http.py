"""The HTTP road: a list of events to one gateway of several, chosen anew each time."""

import http.client
import json
import random
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.faults.publishing.journal import Verdict

ANSWER_SECONDS = 12.0
"""A gateway answers `unknown` after 10."""


class Http:
    """Takes the answers of gateways at their word, and no answer as none."""

    def __init__(self, token: str, ports: list[int]) -> None:
        self._token, self._ports = token, ports

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> dict[int, Verdict]:
        """Post the events; what a connection that broke may have brought about stays open."""
        body = json.dumps([event for _, event in events])
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/cloudevents-batch+json"}
        port = random.choice(self._ports)  # noqa: S311 - which gateway is no secret
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)) as connection:
                connection.request("POST", "/v1/events", body, headers)
                answer = connection.getresponse()
                said = answer.read()
        except (OSError, http.client.HTTPException):
            return {}
        if answer.status not in {200, 207}:
            assert answer.status in {408, 429, 503}, said
            return {}
        found = {}
        for verdict in json.loads(said)["verdicts"]:
            number, event = events[verdict["index"]]
            assert verdict.get("id", event["id"]) == event["id"]
            if verdict["verdict"] == "accepted":
                found[number] = Verdict("accepted", verdict["partition"], verdict["offset"])
            elif verdict["verdict"] == "refused":
                found[number] = Verdict("refused")
        return found

    def finish(self) -> bool:
        """Nothing is kept here."""
        return True


def road(_own: Path, token: str, *ports: str) -> Http:
    """From the words of a command."""
    return Http(token, [int(port) for port in ports])
