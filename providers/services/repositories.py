"""Repositories: creating and deleting models, with or without versions."""

from django.db import IntegrityError, connection, transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, NameKind
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.accounts.services.names import NameTaken, claim_name, release_name
from marketplace.core.problems import Conflict
from providers.models import GenerativeModel
from providers.selectors import model_named


class RepositoryExists(Conflict):
    """The namespace has a model of this name.

    Attributes:
        model: the existing model.
    """

    kind, title = "repository-exists", "There is a model of this name already"

    def __init__(self, model: GenerativeModel) -> None:
        super().__init__(f"{model.organization.slug}/{model.name} exists; publish a new version of it or choose a name")
        self.model = model


class RepositoryInUse(Conflict):
    """The model was listed or called, so it cannot be deleted."""

    kind, title = "repository-in-use", "The model cannot be deleted"


@transaction.atomic
def create_repository(*, actor: Actor, name: str) -> GenerativeModel:
    """Create an empty model called `name` in the actor's organisation.

    Raises:
        RepositoryExists: a model has this name, in any case.
        NameTaken: an alias of the organisation has the name.
        Forbidden: see `policy.require`.
        Invalid: the name is not allowed.
    """
    policy.require(actor, Action.CREATE_MODEL)
    try:
        with transaction.atomic():
            name = claim_name(organization_id=actor.organization_id, name=name, kind=NameKind.MODEL)
            made = GenerativeModel.objects.create(organization_id=actor.organization_id, name=name)
    except NameTaken:
        existing = model_named(actor.organization_slug, name)
        if existing is None:  # an alias, or deleted meanwhile
            raise
        raise RepositoryExists(existing) from None
    audit.record(actor, action="model.created", subject=str(made.pk), model=name)
    return GenerativeModel.objects.select_related("organization").get(pk=made.pk)


@transaction.atomic
def delete_repository(*, actor: Actor, model: GenerativeModel) -> None:
    """Delete a model with all its versions. Blobs stay in the store.

    Raises:
        Forbidden, NotFound: see `policy.require`.
        RepositoryInUse: it was listed or called.
    """
    policy.require(actor, Action.DELETE_MODEL, of=model.organization_id)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT providers_delete_model(%s)", [model.pk])
    except IntegrityError:
        raise RepositoryInUse(
            f"{model.organization.slug}/{model.name} was on sale or was called, so it stays. Unlist it to end its sale."
        ) from None
    release_name(organization_id=model.organization_id, name=model.name)
    audit.record(actor, action="model.deleted", subject=str(model.pk), model=model.name)
