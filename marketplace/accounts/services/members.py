from django.db import transaction

from marketplace.accounts.domain import Role
from marketplace.accounts.models import Membership, Organization, User
from marketplace.accounts.selectors import owners_of
from marketplace.accounts.services import audit
from marketplace.core.problems import Conflict, FieldError, Forbidden, Invalid, NotFound


def require_owner(membership: Membership) -> None:
    """Raises Forbidden unless the member is an owner of the organisation now, whatever was read before."""
    if not Membership.objects.filter(pk=membership.pk, role=Role.OWNER).exists():
        raise Forbidden("Only an owner of the organisation may do this; ask one of them")


@transaction.atomic
def add_member(*, by: Membership, email: str, role: Role) -> Membership:
    """Add a person who has an account already.

    Raises:
        Forbidden: the one who adds is no owner.
        Invalid: nobody has signed up with this address, or they are a member already.
    """
    require_owner(by)
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        unknown = FieldError("email", "Nobody has signed up with this address yet; ask them to, then add them")
        raise Invalid("The member was not added", errors=[unknown])
    membership, created = Membership.objects.get_or_create(
        organization=by.organization, user=user, defaults={"role": role}
    )
    if not created:
        raise Invalid("The member was not added", errors=[FieldError("email", "They are a member already")])
    audit.record(
        action="member.added", subject=user.email, organization=by.organization, actor=by.user, role=role.value
    )
    return membership


@transaction.atomic
def remove_member(*, by: Membership, membership_id: int) -> None:
    """Take a member's membership away; the last owner stays.

    Raises:
        Forbidden, NotFound, Conflict: as said in each.
    """
    Organization.objects.select_for_update().get(pk=by.organization_id)  # so that two owners cannot leave at once
    require_owner(by)
    membership = by.organization.memberships.select_related("user").filter(pk=membership_id).first()
    if membership is None:
        raise NotFound("There is no such member")
    if membership.role == Role.OWNER and owners_of(by.organization) == 1:
        raise Conflict("The last owner cannot be removed; add another owner first")
    audit.record(action="member.removed", subject=membership.user.email, organization=by.organization, actor=by.user)
    membership.delete()
