"""Forms of the provider's pages."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from billing.gateways.base import GatewayRefused, GatewayUnavailable
from billing.outcomes.services.contracts import MAX_NOTE_LENGTH, MAX_REVIEW_HOURS, MAX_UNREVIEWED
from billing.pricing.domain import Unit
from marketplace.accounts.domain import MAX_SLUG_LENGTH
from marketplace.core.problems import Conflict, Invalid
from marketplace.web.shared.fields import Choice, JsonValue, LongText, Money, OnceKey, Quantity, ShortId, Text
from marketplace.web.shared.forms import WHOLE_FORM, Form
from providers.services.drafts import Announced
from providers.validation.paths import MAX_FILES, MAX_PATH_LENGTH

MAX_MESSAGE_LENGTH = 300
MAX_ANNOUNCED_FILES = 10 * MAX_FILES  # above the limit, so that errors can name single files
MAX_PATH_LENGTH = 16 * MAX_PATH_LENGTH  # above the limit, so that an error can name the path
MAX_NUMBER = 2**53 - 1  # the largest integer that is exact in JavaScript


class PriceForm(Form):
    """A model's price for one unit.

    Args:
        units: the units that the model can be sold by; the first is the default.
        label: the label of the price, with the currency.
        preview_url: the address of the preview that is shown while the price is typed.
    """

    unit = Choice(label="Sold by", required=False)
    price = Money(help_text="Applies to new calls; running calls keep the old price.", attrs={"placeholder": "0.004"})

    marks_optional = False

    def __init__(self, *args: Any, units: Sequence[Unit], label: str, preview_url: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.usual_unit = next(iter(units), None)
        unit = self.fields["unit"]
        assert isinstance(unit, Choice)
        unit.choices = [(one.value, f"the {one.singular}") for one in units]
        self.fields["price"].label = label
        for name, trigger in (("unit", "change"), ("price", "input changed delay:150ms")):
            self.fields[name].widget.attrs |= {
                "hx-get": preview_url,
                "hx-trigger": trigger,
                "hx-include": "closest form",
                "hx-target": "#preview",
                "hx-swap": "outerHTML",
            }

    @property
    def chosen_unit(self) -> Unit | None:
        """The chosen unit, else the usual one; None while the model's task is unknown."""
        found = self.value("unit", None) if self.is_bound else self.get_initial_for_field(self.fields["unit"], "unit")
        return Unit(found) if found else self.usual_unit


class VersionForm(Form):
    """The number of the version to put on sale."""

    version = Quantity(min_value=0)


class PayoutForm(Form):
    """A payout of the whole amount that can be paid out now."""

    refusals = {Invalid: WHOLE_FORM, Conflict: WHOLE_FORM, GatewayUnavailable: WHOLE_FORM}

    key = OnceKey()


class PayeeForm(Form):
    """The data that the gateway needs before the provider continues on its pages."""

    refusals = {Invalid: "country", GatewayUnavailable: WHOLE_FORM, GatewayRefused: WHOLE_FORM}

    country = Text(
        max_length=MAX_SLUG_LENGTH,
        required=False,
        initial="US",
        help_text="Two letters, such as US or DE; it cannot be changed later.",
        attrs={"autocomplete": "country", "class": "w-20", "required": True},
    )


class OfferForm(Form):
    """The terms of an outcome contract.

    Args:
        models: names and labels of the models on sale.
        is_version: whether this is a new version of an older offer, whose model and buyer are kept.
    """

    model = Choice()
    buyer = Text(
        max_length=MAX_SLUG_LENGTH,
        required=False,
        help_text="The organisation's URL name. Leave it empty to let any buyer sign.",
    )
    price = Money(
        label="Price per accepted picture",
        help_text="Rejected and undecided pictures bring nothing, so it is usually above the list price.",
        attrs={"placeholder": "0.006"},
    )
    review_hours = Quantity(
        label="Review window, in hours",
        min_value=1,
        max_value=MAX_REVIEW_HOURS,
        initial=72,
        help_text="From delivery. What the buyer does not decide in time is not paid.",
    )
    most_unreviewed = Quantity(
        label="Calls without a verdict, at most",
        min_value=1,
        max_value=MAX_UNREVIEWED,
        required=False,
        help_text="Limits what you run ahead of the buyer's verdicts. Leave it empty for no limit.",
    )
    note = LongText(max_length=MAX_NOTE_LENGTH, required=False)
    supersedes = ShortId(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, models: Sequence[tuple[str, str]], is_version: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        model = self.fields["model"]
        assert isinstance(model, Choice)
        model.choices = models
        for name in ("model", "buyer") if is_version else ():
            self.fields[name].disabled = True  # the sent value is ignored
            self.fields[name].widget = forms.HiddenInput()


class OfferQuery(Form):
    """The offer that a new one replaces."""

    supersedes = ShortId(required=False)


class PublishQuery(Form):
    """The model that gets a new version."""

    model = Text(max_length=MAX_SLUG_LENGTH, required=False)


class PublishForm(Form):
    """The name of a model to publish and a message about the change, which a script sends with the files.

    Args:
        owner: the URL name of the organisation.
        model: the name of the model that gets a new version; empty: the provider chooses a name.
    """

    name = Text(
        label="Name of the model", max_length=MAX_SLUG_LENGTH, attrs={"spellcheck": "false", "autocapitalize": "none"}
    )
    message = Text(label="What changed", max_length=MAX_MESSAGE_LENGTH, required=False)

    def __init__(self, *, owner: str, model: str) -> None:
        super().__init__(initial={"name": model})
        called = f"Buyers call it {owner}/{model or 'name'}."
        self.fields["name"].help_text = called if model else f"{called} An existing name gets a new version."
        self.fields["name"].widget.attrs |= {"readonly": True} if model else {}


class AnnouncedFiles(JsonValue):
    """The files that a browser is about to upload, as a list of objects with `path`, `size` and `modified`."""

    PATH = Text(max_length=MAX_PATH_LENGTH, strip=False)
    SIZE = Quantity(min_value=0, max_value=MAX_NUMBER)
    MODIFIED = Quantity(min_value=-MAX_NUMBER, max_value=MAX_NUMBER)

    def to_python(self, value: Any) -> list[Announced]:
        if not isinstance(value, list) or len(value) > MAX_ANNOUNCED_FILES:
            raise ValidationError(f"must be a list of at most {MAX_ANNOUNCED_FILES:,} files")
        return [self._announced(file) for file in value]

    def _announced(self, file: Any) -> Announced:
        if not isinstance(file, dict):
            raise ValidationError("must be a list of objects")
        return Announced(
            path=self.PATH.clean(file.get("path")),
            size=self.SIZE.clean(file.get("size")),
            modified=self.MODIFIED.clean(file.get("modified")),
        )


class FilesForm(Form):
    """The files of a folder."""

    files = AnnouncedFiles(required=False)  # type: ignore[assignment]  # Django removes it from the class


class DraftForm(FilesForm):
    """The files of a folder and the name of their model, which is checked with them."""

    name = Text(max_length=10 * MAX_SLUG_LENGTH, required=False)


class CommitForm(Form):
    """A message about what changed."""

    message = Text(max_length=MAX_MESSAGE_LENGTH, required=False)
