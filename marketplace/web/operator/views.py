"""The operator's area: is the market well, does the ledger balance, what mail went out."""

import redis
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from billing.selectors import is_balanced, trial_balance
from inference.selectors import NODE_ALIVE, nodes_for_operator, queue_depths
from inference.services import wakeups
from marketplace.core.database import reachable
from marketplace.core.models import InboxMessage, OutboxEvent
from marketplace.web.access import operator_page


@operator_page
def health(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    nodes = [
        {
            "node": node,
            "alive": now - node.heartbeat_at < NODE_ALIVE,
            "used_bytes": sum(residency.bytes for residency in node.residencies.all()),
            "residencies": node.residencies.all(),
            "utilisation": node.busy_seconds / max((now - node.started_at).total_seconds(), 1.0),
        }
        for node in nodes_for_operator()
    ]
    oldest = OutboxEvent.objects.order_by("created_at").first()
    context = {
        "database": reachable(),
        "redis": _redis_answers(),
        "nodes": nodes,
        "queues": queue_depths(),
        "outbox": {"waiting": OutboxEvent.objects.count(), "oldest": oldest.created_at if oldest else None},
        "failed_events": OutboxEvent.objects.filter(attempts__gt=0).order_by("-attempts")[:20],
    }
    template = "operator/_health.html" if request.headers.get("HX-Request") else "operator/health.html"
    return render(request, template, context)


@operator_page
def ledger(request: HttpRequest) -> HttpResponse:
    return render(request, "operator/ledger.html", {"rows": trial_balance(), "is_balanced": is_balanced()})


@operator_page
def inbox(request: HttpRequest) -> HttpResponse:
    page = Paginator(InboxMessage.objects.all(), 20).get_page(request.GET.get("page"))
    return render(request, "operator/inbox.html", {"page": page})


def _redis_answers() -> bool:
    try:
        return bool(wakeups.client().ping())
    except redis.RedisError:
        return False
