"""Forms of the public pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from marketplace.catalog.cursors import MAX_CURSOR_LENGTH
from marketplace.catalog.search import FACETS
from marketplace.web.shared.fields import Checkbox, Choice, Flag, JsonValue, LongText, Option, ShortId, Text
from marketplace.web.shared.forms import Form

MAX_QUERY_LENGTH = 100
MAX_PROMPT_LENGTH = 500
# Without words, the best match is the model that is used most.
SORT_LABELS = {"": "Best match", "popular": "Most used", "newest": "Newest", "cheapest": "Price", "fastest": "Speed"}
MAX_INPUT_LENGTH = 100_000  # for texts whose schema has no maxLength
MAX_NUMBER_LENGTH = 40


class PromptForm(Form):
    """The front page's prompt; `example` is its placeholder."""

    prompt = Text(label="Describe a picture", max_length=MAX_PROMPT_LENGTH)

    def __init__(self, *args: Any, example: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["prompt"].widget.attrs["placeholder"] = example


class CatalogueForm(Form):
    """A search in the catalogue. The facets and what to do with mistyped words are links, so they are hidden here."""

    marks_optional = False

    q = Text(
        label="Search",
        max_length=MAX_QUERY_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
        attrs={"placeholder": "A name, a provider, or what it makes"},
    )
    sort = Choice(label="Sort by", choices=list(SORT_LABELS.items()), required=False)
    exact = Flag(widget=Checkbox(attrs={"hidden": True}))
    cursor = Text(max_length=MAX_CURSOR_LENGTH, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in FACETS:
            self.fields[name] = Text(max_length=MAX_QUERY_LENGTH, required=False, widget=forms.HiddenInput)

    @property
    def is_possible(self) -> bool:
        """Whether the words and the facets could be those of a model."""
        return not self.errors.keys() & {"q", *FACETS}

    def chosen(self) -> list[Any]:
        """The fields of the chosen facets, which a new search keeps."""
        return [self[name] for name in FACETS if self.value(name)]


class ContractQuery(Form):
    """The contract under which to run a model."""

    contract = ShortId(required=False)


class PaymentForm(Form):
    """How a run is paid for: by the list price, or under one of the visitor's contracts."""

    contract = Choice(label="How to pay", required=False, widget=forms.RadioSelect)

    def __init__(self, choices: Sequence[tuple[str, Option]], *, review_hours: int, **options: Any) -> None:
        super().__init__(auto_id="pay-%s", **options)
        field = self.fields["contract"]
        assert isinstance(field, Choice)
        field.choices = choices
        field.help_text = (
            "Under a contract the price is held until each picture is accepted or rejected, "
            f"for at most {review_hours} hours after it is delivered."
        )


class RunForm(ContractQuery):
    """A call from the playground. Admission checks the input against the version's schema."""

    input = JsonValue(required=False)


class NumberInput(forms.NumberInput):
    """A number; a seed gets a button that sets a random one."""

    template_name = "components/number_input.html"


class PictureInput(forms.TextInput):
    """A picture to upload; the field's value is its address.

    Args:
        upload_url: the address for uploads; empty for visitors without permission to upload.
    """

    template_name = "components/picture_input.html"

    def __init__(self, *, upload_url: str) -> None:
        super().__init__()
        self.upload_url = upload_url

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, attrs) | {"upload_url": self.upload_url}


class InputsForm(Form):
    """The playground's form: shows the fields and their errors; a script sends it.

    Args:
        schema_fields: the fields of the version's input schema.
        upload_url: the address for uploads; empty for visitors without permission to upload.
    """

    is_live = True

    def __init__(self, schema_fields: Sequence[Mapping[str, Any]], *, upload_url: str) -> None:
        super().__init__(auto_id="input-%s")
        for field in schema_fields:
            made = _field(field, upload_url)
            made.note = _range(field)  # type: ignore[attr-defined]  # for the component
            made.widget.attrs["aria-describedby"] = f"input-{field['name']}_helptext input-{field['name']}_error"
            self.fields[field["name"]] = made
        self.shown = [self[field["name"]] for field in schema_fields if not field["advanced"]]
        self.advanced = [self[field["name"]] for field in schema_fields if field["advanced"]]


def _field(field: Mapping[str, Any], upload_url: str) -> forms.Field:
    """The form field for a field of the schema."""
    options: dict[str, Any] = {
        "label": field["title"],
        "help_text": field["description"],
        "initial": field["value"],
        "required": field["required"],
    }
    longest = field["max_length"] or MAX_INPUT_LENGTH
    match field["type"]:
        case "boolean":
            del options["required"]
            return Flag(widget=Checkbox(attrs={"class": "toggle toggle-primary"}), **options)
        case "file":
            return Text(max_length=longest, widget=PictureInput(upload_url=upload_url), **options)
        case "enum":
            return Choice(choices=[(choice, choice) for choice in field["choices"]], **options)
        case "integer" | "number":
            return Text(max_length=MAX_NUMBER_LENGTH, widget=NumberInput(attrs=_number_attrs(field)), **options)
        case "text":
            return LongText(max_length=longest, **options)
        case _:
            return Text(max_length=longest, **options)


def _number_attrs(field: Mapping[str, Any]) -> dict[str, Any]:
    limits = {"min": field["minimum"], "max": field["maximum"]}
    return {
        "inputmode": "numeric" if field["type"] == "integer" else "decimal",
        "step": field["step"],
        "placeholder": "random" if field["name"] == "seed" else None,
    } | {name: limit for name, limit in limits.items() if limit is not None}


def _range(field: Mapping[str, Any]) -> str:
    """The range of a number, shown beside its label; empty for a seed, whose range is very large."""
    least, most = field["minimum"], field["maximum"]
    return f"{least}–{most}" if least is not None and most is not None and field["name"] != "seed" else ""
