"""Reading what providers published."""

import uuid
from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber

from marketplace.accounts.domain import is_name
from marketplace.core.problems import NotFound
from providers.domain import VersionState
from providers.models import DraftFile, GenerativeModel, ModelVersion, NamespaceBlob, UploadDraft, VersionCheck


def models_for_provider(organization_id: uuid.UUID) -> QuerySet[GenerativeModel]:
    """An organisation's models by name."""
    models = GenerativeModel.objects.filter(organization=organization_id)
    return models.select_related("organization").order_by("name", "id")


def models_starting(text: str) -> QuerySet[GenerativeModel]:
    """For operators: models whose name, or `owner/name` with the whole owner, starts with the text; newest first.

    The name is compared as it is written, and in lower case.
    """
    found = GenerativeModel.objects.select_related("organization").order_by("-id")
    owner, slash, name = text.rpartition("/")
    found = found.filter(organization__slug__iexact=owner) if slash else found
    return found.filter(Q(name__startswith=name) | Q(name__startswith=name.lower())) if name else found


def model_by_id(model_id: uuid.UUID) -> GenerativeModel:
    """For operators. Raises NotFound."""
    found = GenerativeModel.objects.select_related("organization").filter(pk=model_id).first()
    if found is None:
        raise NotFound("There is no such model")
    return found


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
    """All versions that may be called, newest first."""
    return model.versions.filter(state=VersionState.PASSED)


def versions_for_provider(model: GenerativeModel) -> QuerySet[ModelVersion]:
    """All versions, whatever became of them, newest first."""
    return model.versions.select_related("model__organization", "published_by").prefetch_related("checks")


def newest_versions(model_ids: Collection[uuid.UUID], *, limit: int) -> dict[uuid.UUID, list[ModelVersion]]:
    """The newest versions of each of these models, whatever became of them, at most `limit` each, newest first."""
    place = Window(RowNumber(), partition_by="model", order_by="-number")
    found: dict[uuid.UUID, list[ModelVersion]] = {model_id: [] for model_id in model_ids}
    versions = ModelVersion.objects.filter(model__in=model_ids).annotate(place=place).filter(place__lte=limit)
    for version in versions.defer("card", "input_schema", "trials").order_by("-number"):
        found[version.model_id].append(version)
    return found


def head_of(model: GenerativeModel) -> ModelVersion | None:
    """The newest version, whatever became of it."""
    return model.versions.select_related("model__organization").order_by("-number").first()


def checks_of(version: ModelVersion) -> list[VersionCheck]:
    """The steps of its checks, in their order. Versions from before there were steps have none."""
    return list(VersionCheck.objects.filter(version=version))


def files_of(version: ModelVersion) -> list[tuple[str, str, int]]:
    """Path, SHA-256 and size in bytes of each file of a version."""
    return list(version.files.values_list("path", "blob_id", "blob__size"))


def weight_files(version_id: str) -> list[tuple[str, str, int]]:
    """As `files_of`, by the version's id."""
    return files_of(ModelVersion.objects.get(pk=version_id))


def owned_blobs(organization_id: uuid.UUID, digests: Iterable[str]) -> dict[str, int]:
    """Those of the digests that the organisation has itself brought, with their sizes in bytes."""
    owned = NamespaceBlob.objects.filter(organization=organization_id, blob__in=set(digests))
    return dict(owned.values_list("blob_id", "blob__size"))


def version_numbered(model: GenerativeModel, number: int) -> ModelVersion | None:
    """A version by its number within its model, whatever became of it."""
    if number >= 2**31:
        return None
    return model.versions.select_related("model__organization", "published_by").filter(number=number).first()


def draft_files_sent(draft: UploadDraft) -> list[str]:
    """Paths of the files of a draft that have come."""
    return list(DraftFile.objects.filter(draft=draft).exclude(blob=None).values_list("path", flat=True))
