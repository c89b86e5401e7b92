"""A receiver as a Django view: verify, drop repeats, keep only what is newer.

In a project of yours: `path("hooks", build_view(settings.GREENLANE_WEBHOOK_KEYS, accepted))`. With several processes
keep the ids and the newest states in the database that also keeps the effect, in one transaction with it.
"""

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from greenlane.webhook_receiver import SeenIds, VerificationError, accept_if_newer, verify


def build_view(keys: list[str], accepted: list[dict[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that appends every event that is new to `accepted`."""
    seen = SeenIds()
    newest: dict[str, tuple[str, int]] = {}

    @csrf_exempt  # the signature takes the place of the token
    @require_POST
    def receive(request: HttpRequest) -> HttpResponse:
        try:
            webhook = verify(request.headers, request.body, keys, time.time())
            event = webhook.event()
        except VerificationError as error:
            return HttpResponse(str(error), status=401, content_type="text/plain")
        first_time = seen.first_time(webhook.id, time.time())
        if first_time and event["type"] != "endpoint.test" and accept_if_newer(newest, event):
            accepted.append(event)
        return HttpResponse(status=204)

    return receive
