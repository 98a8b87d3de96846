"""Publishing a folder as a new version of a model: all checks first, then the files, then one transaction."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

from marketplace.accounts.domain import BadSlug, check_slug
from marketplace.accounts.models import Organization, User
from marketplace.accounts.services import audit
from marketplace.core.outbox import emit
from marketplace.core.problems import Conflict, FieldError, Forbidden
from marketplace.core.storage import StoredBlob, blob_store
from providers.models import Blob, GenerativeModel, ModelVersion, VersionFile
from providers.tasks.base import Components, Schema, Task, UnsuitableModel
from providers.validation.card import Card, read_card
from providers.validation.folder import read_folder
from providers.validation.paths import list_folder
from providers.validation.refusal import FolderRefused
from providers.validation.safetensors import DamagedWeights, check_safetensors

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckedFolder:
    """A folder that passed every check, and what was read from it."""

    files: Mapping[str, Path]
    card: Card
    task: Task
    components: Components
    input_schema: Schema


def check_folder(folder: Path) -> CheckedFolder:
    """Check a folder without storing anything.

    Raises:
        FolderRefused: naming each file that is wrong and the remedy.
    """
    if not folder.is_dir():
        raise FolderRefused([FieldError(str(folder), "is not a folder")])
    files, errors = list_folder(folder)
    weights = [path for path in files if path.endswith(".safetensors")]
    for path in weights:
        try:
            check_safetensors(files[path])
        except DamagedWeights as error:
            errors.append(FieldError(path, str(error)))
    if not weights and not errors:
        errors.append(FieldError(".", "holds no weights (.safetensors)"))
    if errors:
        raise FolderRefused(errors)
    card = read_card(files)
    task, components = read_folder(files, defaults=card.defaults)
    try:
        schema = task.input_schema(components)
    except UnsuitableModel as error:
        path, _, reason = str(error).partition(": ")
        raise FolderRefused([FieldError(path, reason)]) from None
    return CheckedFolder(files, card, task, components, schema)


def publish_folder(*, folder: Path, organization: Organization, name: str, publisher: User | None) -> ModelVersion:
    """Publish a folder as the newest version of `organization/name`, making the model on its first version.

    The same files again, on top of themselves, answer with the version that exists. A crash in the middle leaves at
    most blobs that no version names.

    Raises:
        FolderRefused: the folder breaks a rule; nothing was stored.
        Forbidden: the organisation does not provide models.
        Conflict: the name belongs to a model for another task.
    """
    if not organization.can_provide:
        raise Forbidden(f'"{organization.slug}" does not provide models; switch its provider side on first')
    try:
        name = check_slug(name, reserved=False)
    except BadSlug as error:
        raise FolderRefused([FieldError("name", str(error))]) from error
    checked = check_folder(folder)
    blobs: dict[str, StoredBlob] = {}
    for path, file in checked.files.items():
        with file.open("rb") as stream:
            blobs[path] = blob_store().put_file(stream)
    with transaction.atomic():
        model = _model_for(organization, name, checked)
        return _add_version(model, checked, blobs, publisher)


def _model_for(organization: Organization, name: str, checked: CheckedFolder) -> GenerativeModel:
    """The model, locked, with what the new card says about it."""
    facts: dict[str, Any] = {
        "description": checked.card.description,
        "card": checked.card.text,
        "license": checked.card.license,
    }
    try:
        with transaction.atomic():
            model, _ = GenerativeModel.objects.get_or_create(
                organization=organization, name__iexact=name, defaults=facts | {"name": name, "task": checked.task.name}
            )
    except IntegrityError:  # somebody else made it in between
        model = GenerativeModel.objects.get(organization=organization, name__iexact=name)
    model = GenerativeModel.objects.select_for_update().get(pk=model.pk)
    if model.task != checked.task.name:
        raise Conflict(
            f"{organization.slug}/{name} is for {model.task}; publish {checked.task.name} under another name"
        )
    GenerativeModel.objects.filter(pk=model.pk).update(**facts)
    return model


def _add_version(
    model: GenerativeModel, checked: CheckedFolder, blobs: Mapping[str, StoredBlob], publisher: User | None
) -> ModelVersion:
    parent = model.versions.order_by("-number").first()
    if parent is not None and _listing_of(parent) == {path: blob.sha256 for path, blob in blobs.items()}:
        return parent
    version = ModelVersion.objects.create(
        id=version_id(model, blobs, parent),
        model=model,
        number=parent.number + 1 if parent else 1,
        parent=parent,
        pipeline_class=checked.components.pipeline_class,
        input_schema=checked.input_schema,
        size=sum(blob.size for blob in blobs.values()),
        published_by=publisher,
    )
    Blob.objects.bulk_create(
        [Blob(sha256=blob.sha256, size=blob.size) for blob in blobs.values()], ignore_conflicts=True
    )
    VersionFile.objects.bulk_create(
        [VersionFile(version=version, path=path, blob_id=blob.sha256) for path, blob in blobs.items()]
    )
    audit.record(
        action="version.published",
        subject=version.pk,
        organization=model.organization,
        actor=publisher,
        model=model.name,
        number=version.number,
    )
    emit("version.published", {"version": version.pk, "model": str(model.pk)})
    return version


def _listing_of(version: ModelVersion) -> dict[str, str]:
    return dict(version.files.values_list("path", "blob_id"))


def version_id(model: GenerativeModel, blobs: Mapping[str, StoredBlob], parent: ModelVersion | None) -> str:
    """40 hexadecimal digits over the model, the version before and every file, as unique as SHA-1 is."""
    lines = [f"bourse version {model.pk} {parent.pk if parent else '-'}"]
    lines += [f"{blobs[path].sha256} {path}" for path in sorted(blobs)]
    return hashlib.sha1("\n".join(lines).encode(), usedforsecurity=False).hexdigest()
