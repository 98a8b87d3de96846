from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from billing.outcomes.domain import Verdict
from inference.domain.lifecycle import MAX_REASON_LENGTH, InspectionState, Origin, Status
from marketplace.core.choices import choices_of
from marketplace.core.ids import new_id


class Node(models.Model):
    """A worker with one accelerator; it lives while its heartbeat is fresh.

    Attributes:
        id: stable name, so that a node that restarts takes its own place again.
        boot: which run of the node this is.
        memory_bytes: what it may fill with weights.
        busy_seconds: time its device has worked since `started_at`.
    """

    id = models.CharField(max_length=120, primary_key=True)
    boot = models.UUIDField()
    device_kind = models.CharField(max_length=20)
    device_name = models.CharField(max_length=120)
    memory_bytes = models.BigIntegerField()
    busy_seconds = models.FloatField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())


class Residency(models.Model):
    """A node's part of the placement: a version that it takes calls of and keeps on its device.

    Attributes:
        bytes: device memory that it takes, 0 while it is not loaded.
        load_seconds: how long the last load took.
    """

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="residencies")
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.CASCADE, related_name="+")
    bytes = models.BigIntegerField(default=0)
    load_seconds = models.FloatField(null=True)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "version"], name="residency_once")]


class Prediction(models.Model):
    """One call of one model version.

    Attributes:
        quantity: what it may deliver at most, in parts of the price's unit; `amount_held` is the price of that.
        contract: the outcome contract it was made under, if one; its outcome has the prediction's id.
        max_price: the most that its caller was ready to pay, in micro-units; null: they set no limit.
        batch_key: predictions of one version with the same key may share a run.
        attempt: how often it was claimed; the fencing token of the last claim.
        lease_until: until when the claim counts without being renewed.
        reply_channel: Redis channel of the web process that waits to answer, if one does.
        started_at: when the present attempt was claimed.
        amount_charged: micro-units; null until it ended.
        not_billed_reason: why nothing was charged, if nothing was.
        value: what it answered with, where that is no file.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    user = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    model = models.ForeignKey("providers.GenerativeModel", on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.PROTECT, related_name="+", db_index=False)
    origin = models.CharField(max_length=10, choices=choices_of(Origin))
    status = models.CharField(max_length=10, choices=choices_of(Status))
    input = models.JSONField()
    batch_key = models.CharField(max_length=200)
    price = models.ForeignKey("billing.Price", on_delete=models.PROTECT, related_name="+", db_index=False)
    contract = models.ForeignKey(
        "billing.OutcomeContract", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    quantity = models.PositiveBigIntegerField()
    amount_held = models.BigIntegerField()
    amount_charged = models.BigIntegerField(null=True)
    max_price = models.BigIntegerField(null=True)
    not_billed_reason = models.TextField(db_default="", db_column="not_billed")
    error = models.TextField(db_default="")
    reply_channel = models.CharField(max_length=60, null=True, db_column="waiter")  # noqa: DJ001  # null: nobody waits
    attempt = models.PositiveIntegerField(db_default=0)
    node = models.ForeignKey(Node, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    device = models.CharField(max_length=120, db_default="")
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    load_seconds = models.FloatField(null=True)
    run_seconds = models.FloatField(null=True)
    batch_size = models.PositiveIntegerField(null=True)
    stopped_at_step = models.PositiveIntegerField(null=True)
    value = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index("version", "id", condition=models.Q(status="starting"), name="prediction_waiting"),
            models.Index("lease_until", condition=models.Q(status="processing"), name="prediction_leased"),
            models.Index("organization", models.F("id").desc(), name="prediction_by_buyer"),
            models.Index("model", models.F("id").desc(), name="prediction_by_model"),
            # For the statistics of an hour. Only an ended prediction has an entry, always at the end of the index.
            models.Index(
                "completed_at", condition=models.Q(completed_at__isnull=False), name="prediction_by_completion"
            ),
        ]


class Artifact(models.Model):
    """An output file of a prediction; its bytes are a blob of the store.

    Attributes:
        position: its place among the prediction's outputs, from 0.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="artifacts", db_index=False)
    position = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=60)
    size = models.BigIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["prediction", "position"], name="artifact_position_once")]


class Review(models.Model):
    """A reviewer's verdict on one output of a prediction, and who gave it and why. Given once, never changed.

    Attributes:
        position: of the output among the prediction's.
    """

    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="reviews", db_index=False)
    position = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=10, choices=choices_of(Verdict))
    reason = models.CharField(max_length=MAX_REASON_LENGTH)
    user = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    api_key = models.ForeignKey(
        "accounts.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["prediction", "position"], name="review_once")]


class IdempotencyKey(models.Model):
    """A name that a caller gave to a call. Its row is written together with the prediction, and swept after a day.

    Attributes:
        request_hash: SHA-256 of what was asked for under the key, hexadecimal.
    """

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("created_at", name="idempotency_by_age")]
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="idempotency_key_once")]


class InputFile(models.Model):
    """A picture that a buyer uploaded to name it in calls; its bytes are a blob of the store.

    A prediction that uses it keeps a reference of its own (`inference.domain.files`), so that it outlives this row.

    Attributes:
        metadata: what the client sent along, given back as it was.
        expires_at: from when on calls can no longer name it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    name = models.CharField(max_length=255)
    metadata = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=60)
    size = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index("organization", models.F("id").desc(), name="input_file_by_buyer")]


class Inspection(models.Model):
    """The part of a version's checks that a node does, claimed as predictions are.

    Attributes:
        state: waiting, running or done; what was found is in the version's checks.
        attempt: how often it was claimed; the fencing token of the last claim.
        losses: how often a node was lost with it; one that hands it back as it stops is not.
        lease_until: until when the claim counts without being renewed.
    """

    version = models.OneToOneField(
        "providers.ModelVersion", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    state = models.CharField(
        max_length=10,
        choices=choices_of(InspectionState),
        default=InspectionState.WAITING,
    )
    attempt = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    node = models.ForeignKey(Node, on_delete=models.SET_NULL, null=True, related_name="+")
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index("created_at", condition=~models.Q(state=InspectionState.DONE), name="inspection_open"),
        ]


class Example(models.Model):
    """A file that a version made while it was inspected, shown on the model's page; its bytes are a blob of the store.

    Attributes:
        position: its place among the version's examples, from 0.
        input: complete inputs that made it.
        seconds: wall time of its run.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    input = models.JSONField()
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=60)
    size = models.BigIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "position"], name="example_position_once")]


class Thumbnails(models.Model):
    """The thumbnails of one stored picture, made once however many rows name it (`inference.domain.thumbnails`).

    Attributes:
        source: SHA-256 of the original.
        made: by side: digest, size in bytes, width and height. For a side that is missing the original serves.
        due_at: from when on a worker may take it; null once it is over.
        attempts: how often a worker began.
        error: why none could be made, if so.
    """

    source = models.CharField(max_length=64, primary_key=True)
    made = models.JSONField(db_default={})
    due_at = models.DateTimeField(null=True, db_default=Now())
    attempts = models.PositiveSmallIntegerField(db_default=0)
    error = models.TextField(db_default="")

    class Meta:
        indexes = [models.Index("due_at", condition=models.Q(due_at__isnull=False), name="thumbnails_due")]


class ModelHour(models.Model):
    """One model's predictions that ended in one hour (UTC). `inference_roll_up` writes it from them, again and again.

    Attributes:
        artifacts: output files of all of them.
        run_buckets, run_counts: the histogram of the run seconds of those that succeeded, in buckets of
            `inference_bucket`, ascending; likewise `queue_…` of the seconds from admission to the claim that counted.
        recent_seconds: run seconds of the latest successes, newest first.
    """

    pk = models.CompositePrimaryKey("hour", "model")
    hour = models.DateTimeField()
    # The migration adds the constraint: the rows go with their model (providers_delete_model), below this app.
    model = models.ForeignKey(
        "providers.GenerativeModel", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    succeeded = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    canceled = models.PositiveIntegerField()
    artifacts = models.PositiveIntegerField()
    run_buckets = ArrayField(models.SmallIntegerField())
    run_counts = ArrayField(models.IntegerField())
    queue_buckets = ArrayField(models.SmallIntegerField())
    queue_counts = ArrayField(models.IntegerField())
    recent_seconds = ArrayField(models.FloatField())

    class Meta:
        indexes = [
            models.Index(fields=["model", "hour"], include=["succeeded", "artifacts"], name="modelhour_by_model")
        ]


class ModelStats(models.Model):
    """What a model's predictions measured, as its page shows it. `inference_refresh_stats` writes it from `ModelHour`.

    Attributes:
        runs, artifacts: predictions that succeeded, and output files, ever.
        ended: predictions that succeeded or failed in the window (`inference.domain.statistics`), as all that follows.
        success_rate: the share of `ended` that succeeded; None where nothing ended, as the seconds below.
        recent_seconds: run seconds of up to 40 latest successes, oldest first.
        oldest_hour: the first hour that these figures include, so that it is known when they are too old.
    """

    # The migration adds the constraint, as for ModelHour.
    model = models.OneToOneField(
        "providers.GenerativeModel", on_delete=models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    runs = models.BigIntegerField(default=0)
    artifacts = models.BigIntegerField(default=0)
    ended = models.BigIntegerField(default=0)
    success_rate = models.FloatField(null=True)
    p50_run_seconds = models.FloatField(null=True)
    p95_run_seconds = models.FloatField(null=True)
    p50_queue_seconds = models.FloatField(null=True)
    p95_queue_seconds = models.FloatField(null=True)
    recent_seconds = ArrayField(models.FloatField(), default=list)
    oldest_hour = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("oldest_hour", name="modelstats_by_age")]


class MarketTotals(models.Model):
    """The one row with the sums of `ModelStats`: predictions that succeeded and artifacts, ever."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    predictions = models.BigIntegerField()
    artifacts = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="market_totals_one_row")]
