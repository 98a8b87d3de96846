"""The namespace of an organisation, which models, aliases and workflows share without regard to case."""

import uuid

from django.db import IntegrityError, connection, transaction

from marketplace.accounts.domain import BadSlug, NameKind, check_slug
from marketplace.accounts.models import Name
from marketplace.core.problems import Conflict, FieldError, Invalid


class NameTaken(Conflict):
    kind, title = "name-taken", "The name is taken"


def claim_name(*, organization_id: uuid.UUID, name: str, kind: NameKind) -> str:
    """Take a name within the transaction that makes what it stands for; answers with its canonical spelling.

    Raises:
        Invalid: it cannot be a name.
        NameTaken: the organisation has something of this name.
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
    """Give a name back, in the transaction that ends what it stood for."""
    Name.objects.filter(organization=organization_id, name__iexact=name).delete()
