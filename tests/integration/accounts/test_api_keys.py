"""API keys: shown once, stored as a hash, revoked immediately."""

import hashlib
import re

import pytest
from django.db import connection

from marketplace.accounts.domain import Role, Scope
from marketplace.accounts.models import ApiKey, AuditEvent
from marketplace.accounts.selectors import actor_by_key, actor_of, membership_for
from marketplace.accounts.services.api_keys import create_key, revoke_key
from marketplace.accounts.services.members import add_member
from marketplace.core.ids import new_id
from marketplace.core.problems import Forbidden, Invalid, NotFound
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")


def of(party: Party):  # type: ignore[no-untyped-def]
    return membership_for(party.user, party.organization.slug)


def state(party: Party) -> tuple[list[object], int]:
    keys = list(party.organization.api_keys.order_by("pk").values_list("pk", "revoked_at"))
    return keys, AuditEvent.objects.filter(organization=party.organization).count()


def test_only_the_hash_of_a_key_is_stored():
    party = make_party()
    new = create_key(actor=party.actor, name=" batch jobs ")
    assert re.fullmatch(r"bourse_[A-Za-z0-9_-]{43}", new.secret)
    key = ApiKey.objects.get(pk=new.key.pk)
    assert (key.name, key.prefix, key.created_by) == ("batch jobs", new.secret[:12], party.user)
    assert key.hash == hashlib.sha256(new.secret.encode()).hexdigest()
    with connection.cursor() as cursor:
        for table in ("accounts_apikey", "accounts_auditevent", "core_outboxevent"):
            cursor.execute(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s", [f"%{new.secret[12:]}%"])
            assert cursor.fetchone() == (0,)
    event = AuditEvent.objects.filter(organization=party.organization).latest("id")
    assert (event.action, event.subject, event.data) == ("api_key.created", str(key.pk), {"name": "batch jobs"})


def test_a_key_authenticates_its_organisation_until_it_is_revoked():
    party = make_party()
    new = create_key(actor=party.actor, name="x")
    caller = actor_by_key(new.secret)
    assert caller is not None
    assert (caller.organization_id, caller.organization_slug, caller.key_id, caller.user_id) == (
        party.organization.pk,
        party.organization.slug,
        new.key.pk,
        None,
    )
    revoke_key(actor=party.actor, key_id=new.key.pk)
    assert actor_by_key(new.secret) is None
    before = state(party)
    revoke_key(actor=party.actor, key_id=new.key.pk)
    assert state(party) == before, "revoking again changes nothing, not even the time"


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda key: key[:-1], lambda key: key + " ", lambda key: ""])
def test_variations_of_a_key_are_refused(change):  # type: ignore[no-untyped-def]
    secret = create_key(actor=make_party().actor, name="x").secret
    assert change(secret) != secret
    assert actor_by_key(change(secret)) is None


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\0b"])
def test_a_key_needs_a_name(name: str):
    party = make_party()
    before = state(party)
    with pytest.raises(Invalid) as refused:
        create_key(actor=party.actor, name=name)
    assert refused.value.errors[0].field == "name"
    assert state(party) == before


def test_a_reviewer_neither_makes_nor_ends_keys():
    party, other = make_party(), make_party()
    member = actor_of(add_member(actor=party.actor, email=other.user.email, role=Role.REVIEWER))
    key = create_key(actor=party.actor, name="x").key
    before = state(party)
    with pytest.raises(Forbidden):
        create_key(actor=member, name="mine")
    with pytest.raises(Forbidden):
        revoke_key(actor=member, key_id=key.pk)
    assert state(party) == before


def test_a_developer_makes_keys_that_may_no_more_than_they_and_ends_their_own_only():
    party, other = make_party(), make_party()
    developer = actor_of(add_member(actor=party.actor, email=other.user.email, role=Role.DEVELOPER))
    theirs, mine = create_key(actor=party.actor, name="x"), create_key(actor=developer, name="mine")
    assert set(theirs.key.scopes) == set(Scope)
    assert set(mine.key.scopes) == {Scope.READ, Scope.RUN, Scope.ALIASES, Scope.PUBLISH}
    assert actor_by_key(mine.secret).scopes == {Scope.READ, Scope.RUN, Scope.ALIASES, Scope.PUBLISH}
    with pytest.raises(Forbidden, match="revoke API keys that others made"):
        revoke_key(actor=developer, key_id=theirs.key.pk)
    revoke_key(actor=developer, key_id=mine.key.pk)
    assert list(party.organization.api_keys.filter(revoked_at=None)) == [theirs.key]


def test_keys_of_others_are_not_found():
    party, other = make_party(), make_party()
    key = create_key(actor=other.actor, name="x").key
    before = state(other)
    for key_id in (key.pk, new_id()):
        with pytest.raises(NotFound):
            revoke_key(actor=party.actor, key_id=key_id)
    assert state(other) == before
