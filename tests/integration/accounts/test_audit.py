"""Audit events: written with their cause, never changed."""

import pytest
from django.db import ProgrammingError, connection, transaction

from marketplace.accounts.models import AuditEvent
from marketplace.accounts.services import audit
from tests.support.parties import make_party

pytestmark = pytest.mark.usefixtures("database")


def test_an_event_needs_the_transaction_of_its_cause():
    party = make_party()
    before = AuditEvent.objects.count()
    with pytest.raises(RuntimeError, match=r"audit of 'x\.y' needs the transaction of its cause"):
        audit.record(party.actor, action="x.y", subject="z")
    assert AuditEvent.objects.count() == before


def test_an_event_is_rolled_back_with_its_cause():
    party = make_party()
    before = AuditEvent.objects.count()
    with transaction.atomic():
        audit.record(party.actor, action="x.y", subject="z")
        transaction.set_rollback(True)
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditevent SET action = 'nothing'",
        "DELETE FROM accounts_auditevent",
        "TRUNCATE accounts_auditevent",
        "DROP TABLE accounts_auditevent",
        "ALTER TABLE accounts_auditevent ADD COLUMN more text",
    ],
)
def test_the_serving_role_cannot_change_audit_events(statement: str):
    make_party()
    before = list(AuditEvent.objects.order_by("id").values())
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(AuditEvent.objects.order_by("id").values()) == before
