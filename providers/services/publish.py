"""Publishing a folder of this machine. The checks that need no store run before anything is stored."""

from pathlib import Path

from django.db import transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.core.problems import FieldError, Invalid
from marketplace.core.storage import StoredBlob, blob_store
from providers.models import GenerativeModel, ModelVersion
from providers.services.commit import Changes, commit, own_blob
from providers.services.repositories import RepositoryExists, create_repository
from providers.validation.folder import CheckedFolder, check_files
from providers.validation.paths import list_folder
from providers.validation.refusal import FolderRefused
from providers.validation.source import LocalSource


def check_folder(folder: Path) -> CheckedFolder:
    """Check a folder without storing anything; only the headers of its weights are read.

    Raises:
        FolderRefused: files break a rule; each is named with a remedy.
    """
    if not folder.is_dir():
        raise FolderRefused([FieldError(str(folder), "is not a folder")])
    files, errors = list_folder(folder)
    if errors:
        raise FolderRefused(errors)
    return check_files({path: LocalSource(file) for path, file in files.items()})


def publish_folder(*, actor: Actor, folder: Path, name: str) -> ModelVersion:
    """Commit a folder as the newest version of the organisation's model `name`. A missing model is created.

    If the files equal the head's, the head is returned. A crash leaves at most blobs that no version names, and an
    empty model.

    Raises:
        FolderRefused: the folder breaks a rule; nothing was stored.
        Forbidden: see `policy.require`.
        Invalid: the name is not allowed.
    """
    with transaction.atomic():
        policy.require(actor, Action.COMMIT)  # before anything is stored; the commit checks again
    checked = check_folder(folder)
    model = repository(actor=actor, name=name)
    blobs: dict[str, StoredBlob] = {}
    for path, source in checked.files.items():
        with source.open() as stream:
            blobs[path] = blob_store().put_file(stream)
        own_blob(organization_id=actor.organization_id, blob=blobs[path])
    changes = Changes(written=blobs, deleted_folders=frozenset({""}))
    return commit(actor=actor, model=model, changes=changes, parent=None, message="")


def repository(*, actor: Actor, name: str) -> GenerativeModel:
    """The model of this name, created if it is missing.

    Raises:
        FolderRefused: the name is not allowed.
        Forbidden: see `policy.require`.
    """
    try:
        return create_repository(actor=actor, name=name)
    except RepositoryExists as existing:
        return existing.model
    except Invalid as error:
        raise FolderRefused(error.errors) from error
