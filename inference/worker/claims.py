"""Claiming predictions and ending them: the node's two statements."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from billing.pricing.domain import Unit
from inference import sql
from inference.domain.lifecycle import LEASE_SECONDS


@dataclass(frozen=True)
class Claimed:
    """A prediction that is this node's to run while `attempt` is the current one."""

    id: uuid.UUID
    attempt: int
    input: Mapping[str, Any]
    price_id: int
    quantity: int
    waiter: str | None


@dataclass(frozen=True)
class Ended:
    """What `sql.COMPLETE` takes for one prediction; see `inference_complete`.

    Attributes:
        quantities: what was delivered or used, in parts of each unit.
    """

    id: uuid.UUID
    attempt: int
    status: str
    error: str = ""
    not_billed: str = ""
    quantities: Mapping[Unit, int] = field(default_factory=dict)
    source: str = ""
    load_seconds: float | None = None
    run_seconds: float | None = None
    batch_size: int | None = None
    stopped_at_step: int | None = None
    artifacts: Sequence[Mapping[str, Any]] = field(default=())
    value: Any = None


def claim(*, node: str, device: str, version: str, limit: int) -> tuple[list[Claimed], bool]:
    """Up to `limit` predictions of a version that may run in one batch, and whether more wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.CLAIM,
            {"node": node, "device": device, "version": version, "limit": limit, "lease": LEASE_SECONDS},
        )
        rows = cursor.fetchall()
    claimed = [
        Claimed(id_, attempt, json.loads(given), price, n, waiter) for id_, attempt, given, price, n, waiter, _ in rows
    ]
    return claimed, any(row[-1] for row in rows)


def complete(results: Iterable[Ended]) -> list[tuple[uuid.UUID, str | None]]:
    """End predictions and settle them in one transaction; answers with those that were still this node's."""
    documents = [vars(result) | {"id": str(result.id), "artifacts": list(result.artifacts)} for result in results]
    with connection.cursor() as cursor:
        cursor.execute(sql.COMPLETE, {"results": json.dumps({"schema": 1, "results": documents})})
        return [(id_, waiter) for id_, waiter, _ in cursor.fetchall()]


def renew(*, node: str, ids: Sequence[uuid.UUID]) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Prolong the leases of what is being worked on; answers with what is still ours and what its buyer cancelled."""
    with connection.cursor() as cursor:
        cursor.execute(sql.RENEW, {"node": node, "ids": list(ids), "lease": LEASE_SECONDS})
        rows = cursor.fetchall()
    return {id_ for id_, _ in rows}, {id_ for id_, canceled in rows if canceled}


def waiting_versions() -> list[str]:
    """Versions for which some prediction waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT version_id FROM inference_prediction WHERE status = 'starting'")
        return [version for (version,) in cursor.fetchall()]
