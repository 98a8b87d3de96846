"""Forms of the buyer's pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings

from billing.gateways.base import Gateway, GatewayRefused, GatewayUnavailable
from billing.outcomes.domain import Verdict
from inference.domain.lifecycle import MAX_REASON_LENGTH
from marketplace.accounts.domain import MAX_SLUG_LENGTH
from marketplace.accounts.services.names import NameTaken
from marketplace.benchmarks.domain.prompts import MAX_FILE_BYTES, MAX_PROMPT_LENGTH, MAX_PROMPTS
from marketplace.benchmarks.domain.states import MAX_REASON_LENGTH as MAX_VOTE_REASON_LENGTH
from marketplace.benchmarks.domain.states import Answer
from marketplace.benchmarks.services.start import EstimateChanged
from marketplace.catalog.services.aliases import AliasMoved
from marketplace.core.money import MICRO
from marketplace.core.problems import Conflict, Invalid, PaymentRequired
from marketplace.web.shared.fields import (
    Choice,
    Choices,
    File,
    Flag,
    LongText,
    Money,
    OnceKey,
    Quantity,
    ShortId,
    Text,
)
from marketplace.web.shared.forms import WHOLE_FORM, Form

MAX_TITLE_LENGTH = 100
MAX_KEY_NAME_LENGTH = 60
MAX_REFERENCE_LENGTH = 200
HASH_LENGTH = 64
SUGGESTED_AMOUNT = 25 * MICRO
REFERENCE = {"list": "targets", "placeholder": "owner/name"}  # a model field; proposes the models on sale


class OrganizationForm(Form):
    """A new organisation."""

    name = Text(
        max_length=MAX_TITLE_LENGTH,
        help_text="As colleagues and partners know it.",
        attrs={"autocomplete": "organization", "autofocus": True},
    )
    slug = Text(
        label="URL name",
        max_length=MAX_SLUG_LENGTH,
        help_text="Lower-case letters, digits and dashes. The addresses of your pages and models begin with it.",
        attrs={"spellcheck": "false"},
    )
    can_buy = Flag(
        label="Buys",
        initial=True,
        help_text="Runs models in the playground and through the API, from a prepaid balance.",
    )
    can_provide = Flag(label="Provides", help_text="Publishes models, sets their prices and is paid for each use.")


class KeyForm(Form):
    """A new API key."""

    name = Text(label="Name of a new key", max_length=MAX_KEY_NAME_LENGTH, attrs={"placeholder": "production"})


class AliasForm(Form):
    """A new alias."""

    refusals = {Invalid: WHOLE_FORM, NameTaken: "name"}

    name = Text(max_length=MAX_SLUG_LENGTH)
    target = Text(
        label="Model",
        max_length=MAX_REFERENCE_LENGTH,
        help_text="owner/name follows what is on sale; owner/name@v2 stays at that version.",
        attrs=REFERENCE,
    )


class MoveAliasForm(Form):
    """A new target for an alias; `expected` is its target when the page was shown."""

    refusals = {Invalid: "target", AliasMoved: "target"}

    target = Text(label="Move it to", max_length=MAX_REFERENCE_LENGTH, attrs=REFERENCE)
    expected = Text(max_length=MAX_REFERENCE_LENGTH, widget=forms.HiddenInput)


class TopUpForm(Form):
    """An amount to add to the balance, paid through the gateway."""

    refusals = {
        Conflict: "amount",
        Invalid: "amount",
        GatewayUnavailable: WHOLE_FORM,
        GatewayRefused: WHOLE_FORM,
    }

    amount = Money(initial=SUGGESTED_AMOUNT)
    key = OnceKey()

    def __init__(self, *args: Any, gateway: Gateway, **options: Any) -> None:
        super().__init__(*args, **options)
        least, most = gateway.smallest // MICRO, gateway.largest // MICRO
        how = (
            "Test money: nothing is charged." if gateway.is_instant else "You pay on Stripe’s page and come back here."
        )
        self.fields["amount"].label = f"Amount in {settings.CURRENCY}"
        self.fields["amount"].help_text = f"From {least:,} to {most:,}. {how}"


class PromptSetForm(Form):
    """A prompt set, with its prompts as text or in a file; a file replaces the text."""

    marks_optional = False  # one of the two is needed

    name = Text(max_length=MAX_TITLE_LENGTH)
    prompts = LongText(
        label="Prompts, one a line",
        max_length=MAX_FILE_BYTES,
        required=False,
        rows=12,
        attrs={"spellcheck": "false"},
        help_text="Each gets a seed of its own, which all models then use. "
        f"Up to {MAX_PROMPTS} prompts of {MAX_PROMPT_LENGTH:,} characters.",
    )
    file = File(
        label="Or a CSV file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text="With a column “prompt” and, to fix the seeds yourself, “seed”. A file replaces the lines above.",
    )
    next = Choice(choices=[("", ""), ("benchmark", "")], required=False, widget=forms.HiddenInput)


class ChoicesForm(Form):
    """The choices of a benchmark, possibly incomplete. Services check which models can be compared.

    Args:
        prompt_sets: ids and names of the available prompt sets.
        models: names of the available models, with their rows.
        scorers: names of the available scorers.
    """

    renamed = {"models": "model"}

    prompts = Choice(label="Prompt set", required=False)
    model = Choices(label="Models", required=False, widget=forms.CheckboxSelectMultiple)
    scorer = Choice(
        required=False,
        help_text="A model that rates pictures. Its score is shown beside the votes and never ranks by itself.",
    )

    def __init__(
        self,
        *args: Any,
        prompt_sets: Sequence[tuple[str, str]],
        models: Sequence[tuple[str, str]],
        scorers: Sequence[str],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._choose("prompts", [("", "Choose one"), *prompt_sets])
        self._choose("model", models)
        self._choose("scorer", [("", "None"), *((name, name) for name in scorers)])
        self.fields["model"].error_messages["invalid_choice"] = "No model “%(value)s” is on sale"

    def _choose(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, Choice | Choices)
        field.choices = choices


class BenchmarkForm(ChoicesForm):
    """A benchmark to start; `agreed` is the estimate in micro-units that the page showed."""

    refusals = {Invalid: WHOLE_FORM, EstimateChanged: WHOLE_FORM, PaymentRequired: WHOLE_FORM}

    name = Text(max_length=MAX_TITLE_LENGTH)
    form = OnceKey()
    agreed = Quantity(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["prompts"].required = True


class AgreedForm(Form):
    """The cost of the rest of a paused benchmark, in micro-units, as the page showed it."""

    agreed = Quantity(widget=forms.HiddenInput)


class SignatureForm(Form):
    """The hash of the signed document."""

    hash = Text(max_length=HASH_LENGTH, widget=forms.HiddenInput)


class PairForm(Form):
    """The pair of pictures whose vote is undone."""

    pair = Text(max_length=MAX_REFERENCE_LENGTH)


class VoteForm(PairForm):
    """A vote on a pair of pictures."""

    answer = Choice(choices=[(answer.value, answer.value) for answer in Answer])
    reason = Text(
        max_length=MAX_VOTE_REASON_LENGTH,
        required=False,
        attrs={"x-model": "reason", "x-on:keydown.enter.prevent": "leave", "x-on:keydown.escape": "leave"},
    )


class VerdictForm(Form):
    """A reviewer's verdict on one image of a prediction."""

    prediction = ShortId()
    position = Quantity(min_value=0)
    verdict = Choice(choices=[(verdict.value, verdict.value) for verdict in Verdict])
    reason = Text(
        label="Reason for rejecting",
        max_length=MAX_REASON_LENGTH,
        required=False,
        help_text="The provider reads it.",
        attrs={"x-model": "reason", "x-on:keydown.enter.prevent": "reject"},
    )


class TopUpQuery(Form):
    """Whether the buyer left the payment page without paying."""

    canceled = Flag()


class PromptsForm(Form):
    """The prompt set that a benchmark is to use."""

    prompts = ShortId(required=False)


class ProgressQuery(Form):
    """Whether the requesting page has no pair to vote on yet."""

    awaits_pairs = Flag()


class PredictionsQuery(Form):
    """The position in the list of predictions: before this one."""

    before = ShortId(required=False)


class AliasQuery(Form):
    """The proposed target of a new alias."""

    target = Text(max_length=MAX_REFERENCE_LENGTH, required=False)


class PromptSetQuery(Form):
    """The purpose of a new prompt set."""

    next = Choice(choices=[("benchmark", "")], required=False)
