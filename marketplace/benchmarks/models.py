from django.db import models
from django.db.models.functions import Now

from marketplace.benchmarks.domain.prompts import MAX_PROMPT_LENGTH
from marketplace.benchmarks.domain.states import MAX_NAME_LENGTH, MAX_REASON_LENGTH, CellState, Choice, State
from marketplace.core.choices import choices_of
from marketplace.core.ids import new_id


class PromptSet(models.Model):
    """An organisation's named list of prompts.

    Attributes:
        frozen_at: since when a benchmark uses it, so that it no longer changes.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    frozen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]


class Prompt(models.Model):
    """One prompt of a set. All models get its `seed`."""

    prompt_set = models.ForeignKey(PromptSet, on_delete=models.CASCADE, related_name="prompts", db_index=False)
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=MAX_PROMPT_LENGTH)
    seed = models.BigIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["prompt_set", "position"], name="prompt_position_once")]


class Benchmark(models.Model):
    """Several models on one prompt set, and what people think of the pictures.

    Attributes:
        id: chosen by the form, so that sending it twice starts one benchmark.
        trouble: why it paused, for people; empty otherwise.
        scorer_version: the scorer as it was pinned, null without one; `scorer_name` is its `owner/name`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    prompt_set = models.ForeignKey(PromptSet, on_delete=models.PROTECT, related_name="benchmarks")
    state = models.CharField(max_length=10, choices=choices_of(State), default=State.RUNNING)
    trouble = models.TextField(blank=True)
    scorer_name = models.CharField(max_length=130, blank=True)
    scorer_version = models.ForeignKey("providers.ModelVersion", on_delete=models.PROTECT, null=True, related_name="+")
    scorer_price = models.ForeignKey("billing.Price", on_delete=models.PROTECT, null=True, related_name="+")
    started_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index("state", condition=models.Q(state=State.RUNNING), name="benchmark_running")]


class Contestant(models.Model):
    """A model in a benchmark, at the version and price that counted when it started.

    Attributes:
        model_name: `owner/name`.
        price: the one that its predictions are admitted at; a new one only after somebody agreed to it.
    """

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="contestants", db_index=False)
    position = models.PositiveSmallIntegerField()
    model_name = models.CharField(max_length=130)
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.PROTECT, related_name="+")
    price = models.ForeignKey("billing.Price", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "position"], name="contestant_position_once"),
            models.UniqueConstraint(fields=["benchmark", "version"], name="contestant_version_once"),
        ]


class Cell(models.Model):
    """One prompt on one model.

    Attributes:
        prediction_id: the latest prediction that was admitted for it.
        artifact_id: the picture, once it succeeded.
        error: why it failed, for people.
        score_prediction_id: the scorer's prediction about the picture.
        score: what the scorer said; null while unknown, or where `score_error` says why there is none.
    """

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="cells")
    contestant = models.ForeignKey(Contestant, on_delete=models.CASCADE, related_name="cells", db_index=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=choices_of(CellState), default=CellState.WAITING)
    prediction_id = models.UUIDField(null=True, unique=True)
    artifact_id = models.UUIDField(null=True)
    error = models.TextField(blank=True)
    score_prediction_id = models.UUIDField(null=True, unique=True)
    score = models.FloatField(null=True)
    score_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contestant", "prompt"], name="cell_once")]
        indexes = [
            models.Index("benchmark", condition=models.Q(state=CellState.STARTED), name="cell_started"),
            models.Index(
                "benchmark",
                condition=models.Q(score_prediction_id__isnull=False, score=None, score_error=""),
                name="cell_being_scored",
            ),
        ]


class Vote(models.Model):
    """What one person said of two models' pictures of one prompt; `first` comes first in the benchmark's order.

    Attributes:
        swapped: whether the first model's picture stood on the right.
    """

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="votes")
    voter = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+", db_index=False)
    first = models.ForeignKey(Contestant, on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Contestant, on_delete=models.CASCADE, related_name="+", db_index=False)
    choice = models.CharField(max_length=10, choices=choices_of(Choice))
    swapped = models.BooleanField()
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "voter", "prompt", "first", "second"], name="vote_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="vote_pair_ordered"),
        ]


class Reveal(models.Model):
    """Somebody asked for the models' names and the results; from then on their votes would not be blind.

    Attributes:
        votes: how many they had given before.
    """

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="reveals")
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    votes = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["benchmark", "user"], name="reveal_once")]
