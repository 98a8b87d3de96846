"""Creating an organisation."""

import threading

import pytest
from django.db import connections

from marketplace.accounts.domain import Role
from marketplace.accounts.models import AuditEvent, Membership, Organization
from marketplace.accounts.selectors import membership_for, organization_by_slug
from marketplace.accounts.services.organizations import create_organization
from marketplace.core.problems import Invalid, NotFound
from tests.support.parties import make_party

pytestmark = pytest.mark.usefixtures("database")


def counts() -> tuple[int, int, int]:
    return Organization.objects.count(), Membership.objects.count(), AuditEvent.objects.count()


def test_the_creator_becomes_owner_with_an_audit_event():
    user = make_party().user
    slug = f"Acme-{user.pk.hex[-12:]}"
    organization = create_organization(creator=user, name="  Acme Pictures ", slug=slug, can_provide=True)
    assert (organization.slug, organization.name) == (slug.lower(), "Acme Pictures")
    assert (organization.can_buy, organization.can_provide) == (True, True)
    membership = membership_for(user, slug.upper())
    assert (membership.role, membership.organization_id) == (Role.OWNER, organization.pk)
    assert organization_by_slug(slug.upper()) == organization
    event = AuditEvent.objects.get(organization=organization)
    assert (event.action, event.subject, event.actor) == ("organization.created", slug.lower(), user)


@pytest.mark.parametrize(
    ("change", "field", "detail"),
    [
        ({"slug": "no/slash"}, "slug", "Use 1 to 63 letters a-z, digits"),
        ({"slug": "console"}, "slug", '"console" is an address of the site itself'),
        ({"name": "  "}, "name", "Give the organisation a name"),
        ({"name": "x" * 101}, "name", "at most 100 characters"),
        ({"name": "a\0b"}, "name", "without control characters"),
        ({"can_buy": False}, "can_buy", "Choose to buy, to provide, or both"),
    ],
)
def test_a_refused_organisation_leaves_no_rows(change: dict[str, object], field: str, detail: str):
    user = make_party().user
    before = counts()
    with pytest.raises(Invalid) as refused:
        create_organization(creator=user, **({"name": "Acme", "slug": f"x{user.pk.hex}"} | change))  # type: ignore[arg-type]
    (error,) = refused.value.errors
    assert error.field == field
    assert detail in error.detail
    assert counts() == before


def test_all_errors_are_reported_at_once():
    with pytest.raises(Invalid) as refused:
        create_organization(creator=make_party().user, name="", slug="..", can_buy=False)
    assert [error.field for error in refused.value.errors] == ["slug", "name", "can_buy"]


def test_a_slug_is_taken_in_every_case():
    party = make_party()
    before = counts()
    with pytest.raises(Invalid) as refused:
        create_organization(creator=party.user, name="Copy", slug=party.organization.slug.upper())
    (error,) = refused.value.errors
    assert (error.field, error.detail) == ("slug", f'"{party.organization.slug}" is taken; choose another')
    assert counts() == before


def test_concurrent_claims_of_a_slug_succeed_once():
    users = [make_party().user for _ in range(4)]
    slug, before = f"race-{users[0].pk.hex[-12:]}", counts()
    barrier, outcomes = threading.Barrier(4), []

    def found(index: int) -> None:
        barrier.wait()
        try:
            outcomes.append(create_organization(creator=users[index], name="Race", slug=slug).members.get())
        except Invalid as refused:
            outcomes.append(refused.errors[0].field)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=found, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, outcomes)).count("slug") == 3
    (winner,) = [outcome for outcome in outcomes if outcome != "slug"]
    assert winner == Membership.objects.get(organization__slug=slug).user
    assert counts() == tuple(count + 1 for count in before)


@pytest.mark.parametrize("slug", ["nowhere-at-all", "", "a\0b", "%", "x" * 10_000])
def test_an_organisation_of_others_or_none_is_not_found(slug: str):
    outsider, party = make_party(), make_party()
    for name in (slug, party.organization.slug):
        with pytest.raises(NotFound):
            membership_for(outsider.user, name)
    assert organization_by_slug(slug) is None
