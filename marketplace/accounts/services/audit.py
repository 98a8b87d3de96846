from typing import Any

from django.db import connection

from marketplace.accounts.domain import INSTALLATION, Actor
from marketplace.accounts.models import AuditEvent


def record(actor: Actor, *, action: str, subject: str, **data: Any) -> None:
    """Record what the actor did, and for which organisation, in the transaction of that change."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"audit of {action!r} needs the transaction of its cause")
    AuditEvent.objects.create(
        action=action,
        subject=subject,
        organization_id=None if actor.organization_id == INSTALLATION else actor.organization_id,
        actor_id=actor.user_id,
        api_key_id=actor.key_id,
        data=data,
    )
