from django.db import models
from django.db.models.functions import Lower, Now

from marketplace.core.choices import choices_of
from marketplace.core.ids import new_id
from providers.domain import CheckState, VersionState


class GenerativeModel(models.Model):
    """What a provider publishes under `owner/name`: a line of immutable versions.

    What it says of itself comes from the card of a version: the first that passed the files check, afterwards the one
    that is on sale. Until then it is empty.

    Attributes:
        task: what it does, a key of `providers.tasks`; it stays as the first version set it.
        card: its README in Markdown, without the metadata block.
        license: SPDX identifier, as the card says.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    task = models.CharField(max_length=40, default="")
    description = models.CharField(max_length=300, default="")
    card = models.TextField(default="")
    license = models.CharField(max_length=60, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["name"], opclasses=["varchar_pattern_ops"], name="model_name_prefix")]
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="model_name_once")]


class Blob(models.Model):
    """A file's content in the blob store, by its SHA-256."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())


class NamespaceBlob(models.Model):
    """A blob that an organisation has brought itself: only those may its versions name.

    Knowing the digest of somebody else's weights must not be enough to publish them.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "blob"], name="namespace_blob_once")]


class ModelVersion(models.Model):
    """One immutable state of a model's files: a commit on the only branch of its repository.

    It is named by 40 hexadecimal digits that are unique across all models. What the files say is known once they were
    checked; until then the fields from `pipeline_class` to `trials` are empty.

    Attributes:
        number: 1, 2, 3 … within its model.
        message: what its author said about it.
        pipeline_class: the class that runs it: of a pipeline, or of the one model that the folder holds.
        input_schema: JSON Schema of a call's input, canonical field names.
        card, description, license: what its README says.
        trials: complete inputs that its checks run it with.
        size: bytes of all its files.
        withdrawn_at: since when it takes no new calls.
    """

    id = models.CharField(max_length=40, primary_key=True)
    model = models.ForeignKey(GenerativeModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    message = models.TextField(default="")
    state = models.CharField(max_length=10, choices=choices_of(VersionState), default=VersionState.CHECKING)
    pipeline_class = models.CharField(max_length=80, default="")
    input_schema = models.JSONField(default=dict)
    card = models.TextField(default="")
    description = models.CharField(max_length=300, default="")
    license = models.CharField(max_length=60, default="")
    trials = models.JSONField(default=list)
    size = models.BigIntegerField()
    published_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="version_number_once")]


class VersionFile(models.Model):
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=255)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="version_path_once")]


class VersionCheck(models.Model):
    """One step of a version's checks.

    Attributes:
        step: one of `providers.domain.STEPS`.
        detail: what was found, with figures; grows while the step runs.
        errors: `[{"field", "detail"}]` of a step that failed: the file where there is one, the reason, the remedy.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="checks")
    step = models.CharField(max_length=10)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=choices_of(CheckState), default=CheckState.WAITING)
    detail = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "step"], name="version_step_once")]
        indexes = [
            models.Index("started_at", condition=models.Q(state__in=["waiting", "running"]), name="version_check_open")
        ]


class UploadDraft(models.Model):
    """A folder that is being uploaded in a browser; nobody sees it before it is committed, and then it is gone.

    Attributes:
        name: of the model that it will be a version of, which may not exist yet.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=63)
    created_by = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()


class DraftFile(models.Model):
    """A file that the browser has announced for a draft.

    Attributes:
        modified: when it was changed last, milliseconds since 1970, as the browser says.
        blob: its content once that has come, null until then.
    """

    draft = models.ForeignKey(UploadDraft, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=255)
    size = models.BigIntegerField()
    modified = models.BigIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["draft", "path"], name="draft_path_once")]


class GitOid(models.Model):
    """What git calls a small file: SHA-1 over its bytes with their length. Hub clients compare files by it."""

    blob = models.OneToOneField(Blob, on_delete=models.CASCADE, primary_key=True, related_name="+")
    oid = models.CharField(max_length=40)


class LfsUpload(models.Model):
    """Upload quota that is reserved for a file which an organisation has announced, until it came or its time is over.

    Attributes:
        sha256: of the whole file, as announced.
        finished_at: since when it is a blob of the organisation.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "sha256"], name="lfs_upload_once")]


class LfsPart(models.Model):
    """One part of a large upload, which lies aside in the store under `name`."""

    upload = models.ForeignKey(LfsUpload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="lfs_part_once")]
