"""The health of the market: its database, Redis, nodes, queues and undelivered events."""

from typing import Any

import redis
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from inference.domain.lifecycle import Status
from inference.selectors import NODE_ALIVE, nodes_for_operator, queue_depths
from inference.services import wakeups
from marketplace.accounts.policy import Action
from marketplace.core.database import reachable
from marketplace.core.selectors import undelivered_events
from marketplace.web.shared.access import ActorRequest, operator_page


@operator_page(Action.OPERATE_SEE_HEALTH)
def health(request: ActorRequest) -> HttpResponse:
    """The state of the market; for htmx, only the part that may change."""
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
    context = {
        "database": reachable(),
        "redis": _redis_answers(),
        "nodes": nodes,
        "alive": sum(node["alive"] is True for node in nodes),
        "queues": _queues(),
        "undelivered": undelivered_events(),
    }
    template = "operator/_health.html" if request.headers.get("HX-Request") else "operator/health.html"
    return render(request, template, context)


def _queues() -> list[dict[str, Any]]:
    """The numbers of waiting and running predictions, a row for each version."""
    rows: dict[str, dict[str, Any]] = {}
    for found in queue_depths():
        model = f"{found['model__organization__slug']}/{found['model__name']}"
        row = rows.setdefault(
            found["version"], {"model": model, "version": found["version"], "waiting": 0, "running": 0}
        )
        row["waiting" if found["status"] == Status.STARTING else "running"] = found["count"]
    return list(rows.values())


def _redis_answers() -> bool:
    try:
        return bool(wakeups.client().ping())
    except redis.RedisError:
        return False
