"""Fields of forms. They check what people and pages' scripts send.

Every text has a maximum length and no NUL, which PostgreSQL's text type cannot contain. Errors are predicates
("must be …"): the form puts the field's label before them.
"""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace.core.ids import SHORT_LENGTH, new_id, parse_short, short
from marketplace.core.money import NotAnAmount, decimal_text, parse_amount

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Messages = dict[str, "str | _StrPromise"]
Attributes = Mapping[str, str | bool]
MAX_AMOUNT_LENGTH = 60
MAX_REFERENCE_LENGTH = 140
MAX_EMAIL_LENGTH = 254  # RFC 5321
PREDICATES: Messages = {
    "required": "is required",
    "min_value": "must be at least %(limit_value)s",
    "max_value": "must be at most %(limit_value)s",
    "null_characters_not_allowed": "must not contain NUL characters",
    "invalid_choice": "must be one of those offered",
    "invalid_list": "must be a list",
    "empty": "must not be empty",
}


class Text(forms.CharField):
    """One line of text. Other types, which a script's JSON may contain, are refused.

    Args:
        attrs: attributes of its control, in addition to those from the other arguments.
    """

    default_error_messages = PREDICATES | {"invalid": "must be a text"}

    def __init__(self, *, max_length: int, attrs: Attributes | None = None, **options: Any) -> None:
        self.attrs: Attributes = {"autocomplete": "off", **(attrs or {})}
        super().__init__(max_length=max_length, **options)
        self.error_messages["max_length"] = f"must have at most {max_length:,} characters"

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return str(super().to_python(value) or "")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), **self.attrs}


class LongText(Text):
    """Several lines of text; the browser's CRLF becomes a newline."""

    def __init__(self, *, max_length: int, rows: int = 3, **options: Any) -> None:
        super().__init__(max_length=max_length, widget=forms.Textarea(attrs={"rows": rows, "cols": None}), **options)

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


class Email(forms.EmailField):
    """The email address of a person."""

    default_error_messages = PREDICATES | {"invalid": "must be an address such as anna@example.com"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_EMAIL_LENGTH, **options)
        self.error_messages["max_length"] = f"must have at most {MAX_EMAIL_LENGTH} characters"


class Money(Text):
    """An amount of money, as micro-units."""

    def __init__(self, *, attrs: Attributes | None = None, **options: Any) -> None:
        shown: Attributes = {"inputmode": "decimal", "class": "money text-right", **(attrs or {})}
        super().__init__(max_length=MAX_AMOUNT_LENGTH, attrs=shown, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text in self.empty_values:
            return None
        try:
            return parse_amount(text)
        except NotAnAmount as error:
            raise ValidationError(str(error), code="invalid") from None

    def prepare_value(self, value: Any) -> Any:
        """Micro-units as a decimal text such as ``0.004``."""
        return decimal_text(value).rstrip("0").rstrip(".") if isinstance(value, int) else value


class Quantity(forms.IntegerField):
    """A whole number."""

    default_error_messages = PREDICATES | {"invalid": "must be a whole number"}


class Checkbox(forms.CheckboxInput):
    """Checked if it was sent, with any value."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return name in data


class Flag(forms.BooleanField):
    """Chosen or not."""

    widget = Checkbox

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)


class Option(str):
    """The label of a choice that is shown as a row, with a figure at its end and a note below it."""

    figure: str
    note: str

    def __new__(cls, label: str, *, figure: str = "", note: str = "") -> "Option":
        option = super().__new__(cls, label)
        option.figure, option.note = figure, note
        return option


class Choice(forms.ChoiceField):
    """One of several choices."""

    default_error_messages = PREDICATES


class Choices(forms.MultipleChoiceField):
    """Any number of several choices."""

    default_error_messages = PREDICATES


class References(Choices):
    """Any number of models by their names, `owner/name`. Services say which of them there are."""

    def valid_value(self, value: str) -> bool:
        return len(value) <= MAX_REFERENCE_LENGTH and value.isprintable()


class File(forms.FileField):
    """A file sent with the form; services limit its size when they read it."""

    default_error_messages = PREDICATES | {"invalid": "must be a file"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=255, **options)
        self.error_messages["max_length"] = "must have a name of at most 255 characters"


class ShortId(Text):
    """A short id, converted to a UUID; None if the field is empty."""

    default_error_messages = {"invalid": "is no id of this market"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=SHORT_LENGTH, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text in self.empty_values:
            return None
        found = parse_short(text)
        if found is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found

    def prepare_value(self, value: Any) -> Any:
        return short(value) if isinstance(value, uuid.UUID) else value


class OnceKey(forms.UUIDField):
    """Identifies one shown form, so that sending it twice acts once; a missing or invalid key becomes a new one."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False, initial=new_id)

    def clean(self, value: Any) -> uuid.UUID:
        try:
            return super().clean(value) or new_id()
        except ValidationError:
            return new_id()

    def prepare_value(self, value: Any) -> Any:
        return value.hex if isinstance(value, uuid.UUID) else value


class JsonValue(forms.Field):
    """Any value of a JSON body; a service checks it against its own schema."""


def labelled(label: str, detail: str) -> str:
    """An error for people: a predicate ("must be …") gets the field's label as its subject."""
    return f"{label} {detail}" if detail[:1].islower() else detail
