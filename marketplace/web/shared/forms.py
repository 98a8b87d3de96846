"""The base of all forms: bound to what a request brings, shown by one component, refused by services in one way."""

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
WHOLE_FORM = None  # what an error is about that is about no field


def query_of(request: HttpRequest) -> Mapping[str, str]:
    """The query of an address, for the controls of a page's form to begin with; what is sent is checked then."""
    return request.GET.dict()


class Renderer(TemplatesSetting):
    """Shows forms by the components of our templates."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class Form(forms.Form):
    """What a page takes in.

    Attributes:
        refusals: the services' refusals that are said at the form, each with the name of the field that it is about or
            `WHOLE_FORM`. Errors that name fields are said at those; other refusals become a page of their own.
        renamed: fields of services that the form calls otherwise.
        marks_optional: whether the fields that may stay empty are marked so.
        is_live: whether a script says at the fields what is wrong with them.
    """

    refusals: ClassVar[Mapping[type[Problem], str | None]] = {Invalid: WHOLE_FORM}
    renamed: ClassVar[Mapping[str, str]] = {}
    marks_optional: ClassVar[bool] = True
    is_live: ClassVar[bool] = False

    @classmethod
    def of(cls, request: HttpRequest, **options: Any) -> Self:
        """The form as a request sent it; unbound where the request only asks for the page."""
        return cls(request.POST, request.FILES, **options) if request.method == "POST" else cls(**options)

    @classmethod
    def of_query(cls, request: HttpRequest, **options: Any) -> Self:
        """The form bound to the query of the address."""
        return cls(request.GET, **options)

    @classmethod
    def of_json(cls, request: HttpRequest, **options: Any) -> Self:
        """The form bound to the JSON object that a page's script sent. Raises NotUnderstood if it is none."""
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise NotUnderstood("What the page sent could not be read; reload it")
        return cls(body, **options)

    @property
    def status(self) -> int:
        """Of the answer that shows the form."""
        return 422 if self.errors else 200

    def value(self, name: str, default: Any = "") -> Any:
        """A field's value; the default where it is empty or was refused."""
        found = self.cleaned_data.get(name) if self.is_bound and self.errors is not None else None
        return default if found in (None, "", []) else found

    def attempt(self, use_case: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What the use case answers; None if it refused, which the form then says."""
        try:
            return use_case(*args, **kwargs)
        except tuple(self.refusals) as problem:
            self.refuse(problem)
            return None

    def refuse(self, problem: Problem) -> None:
        """Say a refusal at the fields that it names, else at the one that is to blame."""
        blamed = next((name for kind, name in self.refusals.items() if isinstance(problem, kind)), WHOLE_FORM)
        for error in problem.errors or [FieldError(blamed or "", problem.detail)]:
            name = self.renamed.get(error.field, error.field)
            self.add_error(name if name in self.fields else WHOLE_FORM, error.detail)

    def add_error(self, field: str | None, error: Any) -> None:
        """As Django does, with the field's label before an error that is a predicate.

        An error of a field that is not shown is one of the whole form.
        """
        messages = error.messages if isinstance(error, ValidationError) else [error]
        label = str(self[field].label) if field else ""
        place = WHOLE_FORM if field and self.fields[field].widget.is_hidden else field
        super().add_error(place, ValidationError([labelled(label, message) for message in messages]))

    def problems(self) -> list[str]:
        """All errors, as sentences."""
        return [f"{str(error).rstrip('.')}." for errors in self.errors.values() for error in errors]

    def given(self) -> dict[str, Any]:
        """The values of a form that no person fills in by hand. Raises NotUnderstood if any cannot be read."""
        if not self.is_valid():
            raise NotUnderstood(" ".join([*self.problems(), "Reload the page and try again."]))
        return self.cleaned_data

    def renew_keys(self) -> None:
        """Show the form with new keys, because what was sent under the old ones cannot be sent again."""
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, which is a mapping that can be changed
        for name, field in self.fields.items():
            if isinstance(field, OnceKey):
                data[self.add_prefix(name)] = field.prepare_value(self.get_initial_for_field(field, name))
        self.data = data
