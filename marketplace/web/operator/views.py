"""The operator's area: is the market well, does the ledger balance, what mail went out."""

from typing import Any

import redis
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from billing.ledger.selectors import is_balanced, trial_balance
from inference.domain.lifecycle import Status
from inference.selectors import NODE_ALIVE, nodes_for_operator, queue_depths
from inference.services import wakeups
from marketplace.accounts.policy import Action
from marketplace.core.database import reachable
from marketplace.core.models import InboxMessage, OutboxEvent
from marketplace.web.access import ActorRequest, operator_page


@operator_page(Action.OPERATE_SEE_HEALTH)
def health(request: ActorRequest) -> HttpResponse:
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
        "alive": sum(node["alive"] is True for node in nodes),
        "queues": _queues(),
        "outbox": {"waiting": OutboxEvent.objects.count(), "oldest": oldest.created_at if oldest else None},
        "failed_events": OutboxEvent.objects.filter(attempts__gt=0).order_by("-attempts")[:20],
    }
    template = "operator/_health.html" if request.headers.get("HX-Request") else "operator/health.html"
    return render(request, template, context)


@operator_page(Action.OPERATE_SEE_LEDGER)
def ledger(request: ActorRequest) -> HttpResponse:
    """The trial balance: what is owed (credit) and what is owned (debit) by kind of account, and their equal sums."""
    return render(request, "operator/ledger.html", {"totals": _trial_balance(), "is_balanced": is_balanced()})


@operator_page(Action.OPERATE_SEE_INBOX)
def inbox(request: ActorRequest) -> HttpResponse:
    page = Paginator(InboxMessage.objects.all(), 20).get_page(request.GET.get("page"))
    return render(request, "operator/inbox.html", {"page": page})


def _queues() -> list[dict[str, Any]]:
    """What waits and what runs, a row for each version."""
    rows: dict[str, dict[str, Any]] = {}
    for found in queue_depths():
        model = f"{found['model__organization__slug']}/{found['model__name']}"
        row = rows.setdefault(
            found["version"], {"model": model, "version": found["version"], "waiting": 0, "running": 0}
        )
        row["waiting" if found["status"] == Status.STARTING else "running"] = found["count"]
    return list(rows.values())


def _trial_balance() -> list[dict[str, Any]]:
    """For each currency its rows and their totals; debit and credit are positive micro-units."""
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for found in trial_balance():
        posted, held = int(str(found["posted"])), int(str(found["held"]))
        row = {"kind": found["kind"], "debit": max(-posted, 0), "credit": max(posted, 0), "held": held}
        by_currency.setdefault(str(found["currency"]), []).append(row)
    return [
        {"currency": currency, "rows": rows}
        | {side: sum(row[side] for row in rows) for side in ("debit", "credit", "held")}
        for currency, rows in by_currency.items()
    ]


def _redis_answers() -> bool:
    try:
        return bool(wakeups.client().ping())
    except redis.RedisError:
        return False
