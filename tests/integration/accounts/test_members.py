"""Members of an organisation: owners manage them, and one owner always remains."""

import threading

import pytest
from django.db import connections

from marketplace.accounts.domain import Role
from marketplace.accounts.models import AuditEvent, Membership
from marketplace.accounts.selectors import actor_of, membership_for
from marketplace.accounts.services.members import add_member, remove_member
from marketplace.core.problems import Conflict, Forbidden, Invalid, NotFound
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")


def of(party: Party) -> Membership:
    return membership_for(party.user, party.organization.slug)


def state(party: Party) -> tuple[list[tuple[object, str]], int]:
    members = list(party.organization.memberships.order_by("id").values_list("user_id", "role"))
    return members, AuditEvent.objects.filter(organization=party.organization).count()


def test_a_member_is_added_by_email_in_any_case_and_removed():
    party, other = make_party(), make_party()
    added = add_member(actor=party.actor, email=f" {other.user.email.upper()} ", role=Role.DEVELOPER)
    assert (added.user, added.role) == (other.user, Role.DEVELOPER)
    remove_member(actor=party.actor, membership_id=added.pk)
    assert state(party)[0] == [(party.user.pk, "owner")]
    events = list(AuditEvent.objects.filter(organization=party.organization).order_by("id"))
    assert [(event.action, event.subject, event.actor) for event in events[1:]] == [
        ("member.added", other.user.email, party.user),
        ("member.removed", other.user.email, party.user),
    ]
    assert events[1].data == {"role": "developer"}


@pytest.mark.parametrize("email", ["nobody@example.com", "", "%@example.com"])
def test_an_unknown_email_adds_no_member(email: str):
    party = make_party()
    before = state(party)
    with pytest.raises(Invalid) as refused:
        add_member(actor=party.actor, email=email, role=Role.DEVELOPER)
    assert "Nobody has signed up" in refused.value.errors[0].detail
    assert state(party) == before


def test_a_member_is_not_added_twice_nor_changed():
    party, other = make_party(), make_party()
    add_member(actor=party.actor, email=other.user.email, role=Role.DEVELOPER)
    before = state(party)
    with pytest.raises(Invalid) as refused:
        add_member(actor=party.actor, email=other.user.email, role=Role.OWNER)
    assert refused.value.errors[0].detail == "They are a member already"
    assert state(party) == before


def test_only_owners_change_members():
    party, other, third = make_party(), make_party(), make_party()
    member = add_member(actor=party.actor, email=other.user.email, role=Role.DEVELOPER)
    before = state(party)
    with pytest.raises(Forbidden):
        add_member(actor=actor_of(member), email=third.user.email, role=Role.OWNER)
    with pytest.raises(Forbidden):
        remove_member(actor=actor_of(member), membership_id=of(party).pk)
    assert state(party) == before


def test_members_of_others_are_not_found():
    party, other = make_party(), make_party()
    before = state(party), state(other)
    with pytest.raises(NotFound):
        remove_member(actor=party.actor, membership_id=of(other).pk)
    assert (state(party), state(other)) == before


def test_the_last_owner_cannot_be_removed():
    party, other = make_party(), make_party()
    add_member(actor=party.actor, email=other.user.email, role=Role.DEVELOPER)
    before = state(party)
    with pytest.raises(Conflict, match="add another owner first"):
        remove_member(actor=party.actor, membership_id=of(party).pk)
    assert state(party) == before


def test_a_removed_owner_cannot_change_members():
    party, second, third = make_party(), make_party(), make_party()
    owner = party.actor
    stale = add_member(actor=owner, email=second.user.email, role=Role.OWNER)
    victim = add_member(actor=owner, email=third.user.email, role=Role.OWNER)
    remove_member(actor=owner, membership_id=stale.pk)
    before = state(party)
    stale = Membership(pk=stale.pk, organization=party.organization, user=second.user, role=Role.OWNER)
    with pytest.raises(Forbidden):
        remove_member(actor=actor_of(stale), membership_id=victim.pk)
    with pytest.raises(Forbidden):
        add_member(actor=actor_of(stale), email=second.user.email, role=Role.OWNER)
    assert state(party) == before


def go_at_once(each_other: bool) -> tuple[Party, list[str]]:
    """Two owners of a new organisation leave, or remove each other, concurrently."""
    party, other = make_party(), make_party()
    memberships = [of(party), add_member(actor=party.actor, email=other.user.email, role=Role.OWNER)]
    victims = [one.pk for one in (reversed(memberships) if each_other else memberships)]
    barrier, outcomes = threading.Barrier(2), []

    def leave(by: Membership, victim: int) -> None:
        barrier.wait()
        try:
            remove_member(actor=actor_of(by), membership_id=victim)
            outcomes.append("left")
        except (Conflict, Forbidden):
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=leave, args=pair) for pair in zip(memberships, victims, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return party, outcomes


@pytest.mark.parametrize("each_other", [True, False])
def test_two_owners_leaving_concurrently_leave_one(each_other: bool):
    for _ in range(5):
        party, outcomes = go_at_once(each_other)
        assert sorted(outcomes) == ["left", "refused"]
        assert party.organization.memberships.filter(role=Role.OWNER).count() == 1
