"""The base of all forms: reads a request, renders with one component, and shows the refusals of services."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

import orjson
from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest

from marketplace.core.problems import FieldError, Invalid, NotUnderstood, Problem
from marketplace.web.shared.fields import OnceKey, labelled

P = ParamSpec("P")
T = TypeVar("T")
WHOLE_FORM = None  # the place of errors that belong to no field


def query_of(request: HttpRequest) -> dict[str, str]:
    """The query of an address, unchecked: initial values of a form, which is checked when it is sent, and cursors."""
    return request.GET.dict()


class Renderer(TemplatesSetting):
    """Renders forms with this site's template components."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class Form(forms.Form):
    """The input of a page.

    Attributes:
        refusals: the services' refusals that the form shows, each with the name of its field or `WHOLE_FORM`. Errors
            that name fields are shown at those; other refusals become an error page.
        renamed: fields of services by name, with the form's names for them.
        marks_optional: whether optional fields are marked.
        is_live: whether a script shows the errors of fields.
    """

    refusals: ClassVar[Mapping[type[Problem], str | None]] = {Invalid: WHOLE_FORM}
    renamed: ClassVar[Mapping[str, str]] = {}
    marks_optional: ClassVar[bool] = True
    is_live: ClassVar[bool] = False

    @classmethod
    def of(cls, request: HttpRequest, **options: Any) -> Self:
        """The form with the data of a POST; unbound for other methods."""
        return cls(request.POST, request.FILES, **options) if request.method == "POST" else cls(**options)

    @classmethod
    def of_query(cls, request: HttpRequest, **options: Any) -> Self:
        """The form bound to the query of the address."""
        return cls(request.GET, **options)

    @classmethod
    def of_json(cls, request: HttpRequest, **options: Any) -> Self:
        """The form bound to the JSON object of a page's script. Raises NotUnderstood if the body is not one."""
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise NotUnderstood("What the page sent could not be read; reload it")
        return cls(body, **options)

    @property
    def status(self) -> int:
        """The HTTP status of the answer that shows the form."""
        return 422 if self.errors else 200

    def value(self, name: str, default: Any = "") -> Any:
        """A field's value; the default if it is empty or was refused."""
        found = self.cleaned_data.get(name) if self.is_bound and self.errors is not None else None
        return default if found in (None, "", []) else found

    def attempt(self, use_case: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The result of the use case; None if it refused, and the form then shows the refusal."""
        try:
            return use_case(*args, **kwargs)
        except tuple(self.refusals) as problem:
            self.refuse(problem)
            return None

    def refuse(self, problem: Problem) -> None:
        """Show a refusal at the fields that it names, else at the field given in `refusals`."""
        blamed = next((name for kind, name in self.refusals.items() if isinstance(problem, kind)), WHOLE_FORM)
        for error in problem.errors or [FieldError(blamed or "", problem.detail)]:
            name = self.renamed.get(error.field, error.field)
            self.add_error(name if name in self.fields else WHOLE_FORM, error.detail)

    def add_error(self, field: str | None, error: Any) -> None:
        """As in Django, with the field's label before an error that is a predicate.

        An error of a hidden field becomes an error of the whole form.
        """
        messages = error.messages if isinstance(error, ValidationError) else [error]
        label = str(self[field].label) if field else ""
        place = WHOLE_FORM if field and self.fields[field].widget.is_hidden else field
        super().add_error(place, ValidationError([labelled(label, message) for message in messages]))

    def problems(self) -> list[str]:
        """All errors, as sentences."""
        return [f"{str(error).rstrip('.')}." for errors in self.errors.values() for error in errors]

    def given(self) -> dict[str, Any]:
        """The values of a form that a script or hidden fields fill in. Raises NotUnderstood if any is invalid."""
        if not self.is_valid():
            raise NotUnderstood(" ".join([*self.problems(), "Reload the page and try again."]))
        return self.cleaned_data

    def renew_keys(self) -> None:
        """Replace the form's keys, so that it can be sent again with other data."""
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, which has `copy`
        for name, field in self.fields.items():
            if isinstance(field, OnceKey):
                data[self.add_prefix(name)] = field.prepare_value(self.get_initial_for_field(field, name))
        self.data = data
