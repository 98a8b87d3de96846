from typing import Any

from django.db import connection

from marketplace.accounts.models import AuditEvent, Organization, User


def record(
    *, action: str, subject: str, organization: Organization | None = None, actor: User | None = None, **data: Any
) -> None:
    """Add an audit event to the transaction of what it tells about."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"audit of {action!r} needs the transaction of its cause")
    AuditEvent.objects.create(action=action, subject=subject, organization=organization, actor=actor, data=data)
