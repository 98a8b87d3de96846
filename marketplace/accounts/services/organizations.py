import uuid

from django.db import IntegrityError, connection, transaction

from marketplace.accounts.domain import BadSlug, Role, check_slug, is_title
from marketplace.accounts.models import Membership, Organization, User
from marketplace.accounts.selectors import actor_of
from marketplace.accounts.services import audit
from marketplace.core.problems import FieldError, Invalid

MAX_NAME_LENGTH = 100


def lock_organization(organization_id: uuid.UUID) -> None:
    """Lock an organisation until the transaction ends; others wait. A deleted organisation is no error."""
    assert connection.in_atomic_block
    Organization.objects.select_for_update(no_key=True).filter(pk=organization_id).first()


@transaction.atomic
def create_organization(
    *, creator: User, name: str, slug: str, can_buy: bool = True, can_provide: bool = False
) -> Organization:
    """Create an organisation whose owner is its creator. Any person may do this.

    Raises:
        Invalid: the slug breaks a rule or is taken, the name is empty or too long, or neither side was chosen.
    """
    errors = []
    try:
        slug = check_slug(slug)
    except BadSlug as error:
        errors.append(FieldError("slug", str(error)))
    name = name.strip()
    if not is_title(name, longest=MAX_NAME_LENGTH):
        rule = f"Give the organisation a name of at most {MAX_NAME_LENGTH} characters, without control characters"
        errors.append(FieldError("name", rule))
    if not can_buy and not can_provide:
        errors.append(FieldError("can_buy", "Choose to buy, to provide, or both"))
    if errors:
        raise Invalid("The organisation was not created", errors=errors)
    try:
        with transaction.atomic():
            organization = Organization.objects.create(name=name, slug=slug, can_buy=can_buy, can_provide=can_provide)
    except IntegrityError:
        taken = FieldError("slug", f'"{slug}" is taken; choose another')
        raise Invalid("The organisation was not created", errors=[taken]) from None
    owner = Membership.objects.create(organization=organization, user=creator, role=Role.OWNER)
    audit.record(actor_of(owner), action="organization.created", subject=organization.slug)
    return organization
