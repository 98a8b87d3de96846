from django.db import models
from django.db.models.functions import Lower, Now

from marketplace.core.ids import new_id


class GenerativeModel(models.Model):
    """What a provider publishes under `owner/name`: a line of immutable versions.

    Attributes:
        task: what it does, a key of `providers.tasks`.
        card: its README in Markdown, without the metadata block.
        license: SPDX identifier, as the card says.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    task = models.CharField(max_length=40)
    description = models.CharField(max_length=300)
    card = models.TextField()
    license = models.CharField(max_length=60)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="model_name_once")]


class Blob(models.Model):
    """A file's content in the blob store, by its SHA-256."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())


class ModelVersion(models.Model):
    """One immutable state of a model's files, named by 40 hexadecimal digits that are unique across all models.

    Attributes:
        number: 1, 2, 3 … within its model.
        pipeline_class: the class that runs it: of a pipeline, or of the one model that the folder holds.
        input_schema: JSON Schema of a call's input, canonical field names.
        size: bytes of all its files.
        withdrawn_at: since when it takes no new calls.
    """

    id = models.CharField(max_length=40, primary_key=True)
    model = models.ForeignKey(GenerativeModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    pipeline_class = models.CharField(max_length=80)
    input_schema = models.JSONField()
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
