"""The namespace of an organisation, shared by its models, aliases and workflows; case does not matter."""

import uuid

from django.db import IntegrityError, connection, transaction

from marketplace.accounts.domain import BadSlug, NameKind, check_slug
from marketplace.accounts.models import Name
from marketplace.core.problems import Conflict, FieldError, Invalid


class NameTaken(Conflict):
    """The organisation has a model or an alias of this name."""

    kind, title = "name-taken", "The name is taken"


def claim_name(*, organization_id: uuid.UUID, name: str, kind: NameKind) -> str:
    """Claim a name in the transaction that creates the named object, and return its canonical spelling.

    Raises:
        Invalid: the name is not allowed.
        NameTaken: the organisation has a model or an alias of this name.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"claiming {name!r} needs the transaction of what is called so")
    try:
        canonical = check_slug(name, reserved=False)
    except BadSlug as error:
        raise Invalid("This cannot be a name", errors=[FieldError("name", str(error))]) from None
    try:
        with transaction.atomic():
            Name.objects.create(organization_id=organization_id, name=canonical, kind=kind)
    except IntegrityError:
        taken = Name.objects.filter(organization=organization_id, name__iexact=canonical).first()
        what = f"a {taken.kind}" if taken and taken.kind == NameKind.MODEL else "an alias"
        raise NameTaken(f'The organisation has {what} called "{canonical}" already; choose another name') from None
    return canonical


def release_name(*, organization_id: uuid.UUID, name: str) -> None:
    """Release a name, in the transaction that deletes the named object."""
    Name.objects.filter(organization=organization_id, name__iexact=name).delete()
