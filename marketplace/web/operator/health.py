"""The health of the market: its database, Redis, nodes, queues and undelivered events."""

from typing import Any

import redis
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from inference.selectors import NODE_ALIVE, living_nodes, nodes_for_operator, queue_depths
from inference.services import wakeups
from marketplace.accounts.policy import Action
from marketplace.core.database import reachable
from marketplace.core.selectors import undelivered_events
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of

NODES, RESIDENCIES, QUEUES = 10, 20, 50


@operator_page(Action.OPERATE_SEE_HEALTH)
def health(request: ActorRequest) -> HttpResponse:
    """The state of the market; for htmx, only the part that may change."""
    now = timezone.now()
    page = page_of(request, nodes_for_operator(models=RESIDENCIES), key=("id",), size=NODES, name="nodes")
    nodes = [
        {
            "node": node,
            "alive": now - node.heartbeat_at < NODE_ALIVE,
            "used_bytes": node.used_bytes,  # type: ignore[attr-defined]  # annotated
            "residencies": node.largest,  # type: ignore[attr-defined]  # prefetched
            "utilisation": node.busy_seconds / max((now - node.started_at).total_seconds(), 1.0),
        }
        for node in page
    ]
    context = {
        "database": reachable(),
        "redis": _redis_answers(),
        "page": page,
        "nodes": nodes,
        "alive": living_nodes().count(),
        "queues": _queues(),
        "undelivered": undelivered_events(),
    }
    template = "operator/_health.html" if request.headers.get("HX-Request") else "operator/health.html"
    return render(request, template, context)


def _queues() -> list[dict[str, Any]]:
    """The longest queues, a row for each version."""
    return [
        row | {"model": f"{row['model__organization__slug']}/{row['model__name']}"}
        for row in queue_depths(limit=QUEUES)
    ]


def _redis_answers() -> bool:
    try:
        return bool(wakeups.client().ping())
    except redis.RedisError:
        return False
