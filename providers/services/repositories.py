"""Repositories: a model's name, before and while it holds versions."""

from django.db import IntegrityError, connection, transaction

from marketplace.accounts.domain import NameKind
from marketplace.accounts.models import Organization, User
from marketplace.accounts.services import audit
from marketplace.accounts.services.names import NameTaken, claim_name, release_name
from marketplace.core.problems import Conflict, Forbidden
from providers.models import GenerativeModel
from providers.selectors import model_named


class RepositoryExists(Conflict):
    """The namespace has a model of this name.

    Attributes:
        model: that one.
    """

    kind, title = "repository-exists", "There is a model of this name already"

    def __init__(self, model: GenerativeModel) -> None:
        super().__init__(f"{model.organization.slug}/{model.name} exists; publish a new version of it or choose a name")
        self.model = model


class RepositoryInUse(Conflict):
    kind, title = "repository-in-use", "The model cannot be deleted"


@transaction.atomic
def create_repository(*, organization: Organization, name: str, creator: User | None) -> GenerativeModel:
    """An empty model under `organization/name`.

    Raises:
        RepositoryExists: there is one, in whatever case it is spelled.
        NameTaken: an alias of the organisation has the name.
        Forbidden: the organisation does not provide models.
        Invalid: this cannot be a name.
    """
    require_provider(organization)
    try:
        with transaction.atomic():
            name = claim_name(organization_id=organization.pk, name=name, kind=NameKind.MODEL)
            model = GenerativeModel.objects.create(organization=organization, name=name)
    except NameTaken:
        existing = model_named(organization.slug, name)
        if existing is None:  # an alias, or deleted in between
            raise
        raise RepositoryExists(existing) from None
    audit.record(
        action="model.created", subject=str(model.pk), organization=organization, actor=creator, model=model.name
    )
    return model


@transaction.atomic
def delete_repository(*, model: GenerativeModel, by: User | None) -> None:
    """Delete a model with all its versions. Blobs stay in the store.

    Raises:
        RepositoryInUse: it was listed or called; others rely on what happened with it.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT providers_delete_model(%s)", [model.pk])
    except IntegrityError:
        raise RepositoryInUse(
            f"{model.organization.slug}/{model.name} was on sale or was called, so it stays. Unlist it to end its sale."
        ) from None
    release_name(organization_id=model.organization_id, name=model.name)
    audit.record(
        action="model.deleted", subject=str(model.pk), organization=model.organization, actor=by, model=model.name
    )


def require_provider(organization: Organization) -> None:
    """Raises Forbidden unless the organisation provides models."""
    if not organization.can_provide:
        raise Forbidden(f'"{organization.slug}" does not provide models; switch its provider side on first')
