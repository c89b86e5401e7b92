"""A receiver as a Django view.

In a project of yours: `path("hooks", build_view(settings.GREENLANE_WEBHOOK_KEYS, effect, Inbox("webhooks.sqlite3")))`.
An effect that writes with Django's own models commits apart from the inbox: make it idempotent by the event's `id`
(`update_or_create(event_id=event["id"], …)`), because it may happen again after a crash in between.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from greenlane.webhook_receiver import Effect, Inbox, Receiver


def build_view(keys: list[str], effect: Effect, inbox: Inbox) -> Callable[[HttpRequest], HttpResponse]:
    """A view that does `effect` once for every event that is new."""
    receiver = Receiver(keys, effect, inbox)

    @csrf_exempt  # the signature takes the place of the token
    @require_POST
    def receive(request: HttpRequest) -> HttpResponse:
        reply = receiver.reply(request.headers, request.body, time.time())
        return HttpResponse(reply.text, status=reply.status, content_type="text/plain")

    return receive
