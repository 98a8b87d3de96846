"""Reading what providers published."""

from django.db.models import QuerySet

from marketplace.accounts.domain import is_name
from marketplace.accounts.models import Organization
from providers.models import GenerativeModel, ModelVersion


def models_for_provider(organization: Organization) -> QuerySet[GenerativeModel]:
    return GenerativeModel.objects.filter(organization=organization).order_by("name")


def model_named(owner: str, name: str) -> GenerativeModel | None:
    if not (is_name(owner) and is_name(name)):
        return None
    return (
        GenerativeModel.objects.select_related("organization")
        .filter(organization__slug__iexact=owner, name__iexact=name)
        .first()
    )


def version_by_id(version_id: str) -> ModelVersion | None:
    return ModelVersion.objects.select_related("model__organization").filter(pk=version_id).first()


def versions_of(model: GenerativeModel) -> QuerySet[ModelVersion]:
    """All versions, newest first."""
    return model.versions.all()


def weight_files(version_id: str) -> list[tuple[str, str, int]]:
    """Path, SHA-256 and size in bytes of each file of a version."""
    version = ModelVersion.objects.get(pk=version_id)
    return list(version.files.values_list("path", "blob_id", "blob__size"))
