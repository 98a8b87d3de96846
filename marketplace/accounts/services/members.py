"""Members of an organisation and their roles. Changes of one organisation wait for each other, so an owner remains."""

from django.db import transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, Role
from marketplace.accounts.models import Membership, Organization, User
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound


@transaction.atomic
def add_member(*, actor: Actor, email: str, role: Role) -> Membership:
    """Add a person who has an account already.

    Raises:
        Forbidden: see `policy.require`; fewer roles may add an owner.
        Invalid: no account has this address, or the person is a member already.
    """
    _take_turns(actor)
    policy.require(actor, Action.ADD_MEMBER)
    _require_for_owners(actor, role)
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        unknown = FieldError("email", "Nobody has signed up with this address yet; ask them to, then add them")
        raise Invalid("The member was not added", errors=[unknown])
    membership, created = Membership.objects.get_or_create(
        organization_id=actor.organization_id, user=user, defaults={"role": role}
    )
    if not created:
        raise Invalid("The member was not added", errors=[FieldError("email", "They are a member already")])
    audit.record(actor, action="member.added", subject=user.email, role=role.value)
    return membership


@transaction.atomic
def change_role(*, actor: Actor, membership_id: int, role: Role) -> Membership:
    """Give a member another role, except the last owner. Repeating a change has no effect.

    Raises:
        Forbidden: see `policy.require`; fewer roles may make or change an owner.
        NotFound: the organisation has no such member.
        Conflict: they are the last owner.
    """
    _take_turns(actor)
    policy.require(actor, Action.CHANGE_ROLE)
    membership = _member(actor, membership_id)
    _require_for_owners(actor, Role(membership.role), role)
    if membership.role == role:
        return membership
    _require_another_owner(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    audit.record(actor, action="member.role_changed", subject=membership.user.email, before=before, role=role.value)
    return membership


@transaction.atomic
def remove_member(*, actor: Actor, membership_id: int) -> None:
    """Remove a member, except the last owner.

    Raises:
        Forbidden: see `policy.require`; fewer roles may remove an owner.
        NotFound: the organisation has no such member.
        Conflict: they are the last owner.
    """
    _take_turns(actor)
    policy.require(actor, Action.REMOVE_MEMBER)
    membership = _member(actor, membership_id)
    _require_for_owners(actor, Role(membership.role))
    _require_another_owner(membership)
    audit.record(actor, action="member.removed", subject=membership.user.email)
    membership.delete()


def _take_turns(actor: Actor) -> None:
    Organization.objects.select_for_update(no_key=True).filter(pk=actor.organization_id).first()


def _member(actor: Actor, membership_id: int) -> Membership:
    found = Membership.objects.select_related("user").filter(organization=actor.organization_id, pk=membership_id)
    membership = found.first()
    if membership is None:
        raise NotFound("There is no such member")
    return membership


def _require_for_owners(actor: Actor, *roles: Role) -> None:
    if Role.OWNER in roles:
        policy.require(actor, Action.MANAGE_OWNERS)


def _require_another_owner(membership: Membership) -> None:
    """Raises Conflict if this is the last owner."""
    owners = Membership.objects.filter(organization=membership.organization_id, role=Role.OWNER)
    if membership.role == Role.OWNER and owners.count() == 1:
        raise Conflict("The last owner cannot be removed or given another role; add another owner first")
