"""What pages take in passes one edge: forms whose fields are bounded, and which alone read requests."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from django import forms
from django.test import RequestFactory

from marketplace.core.ids import new_id, short
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound, NotUnderstood
from marketplace.web.console.forms import AliasForm, KeyForm, TopUpForm, VerdictForm
from marketplace.web.provider.forms import DraftForm, OfferForm
from marketplace.web.public.playground import by_label
from marketplace.web.shared import fields
from marketplace.web.shared.forms import Form

WEB = Path(import_module("marketplace.web").__file__).parent
EDGE = WEB / "shared" / "forms.py"
READS = re.compile(r"\brequest\.(POST|GET|FILES|body)\b")
NUL = re.compile(r"\\0|\\x00")


def all_forms() -> list[type[Form]]:
    """The forms of all modules of web, which this imports."""
    for path in WEB.rglob("*.py"):
        import_module(".".join(["marketplace", "web", *path.relative_to(WEB).with_suffix("").parts]))
    found, to_do = [], [Form]
    while to_do:
        below = to_do.pop().__subclasses__()
        found += below
        to_do += below
    return found


def test_only_forms_read_what_a_request_brings():
    reading = [path for path in WEB.rglob("*.py") if READS.search(path.read_text())]
    assert reading == [EDGE]


def test_nothing_of_web_looks_for_nul_itself():
    assert [path for path in WEB.rglob("*.py") if NUL.search(path.read_text())] == []


def test_every_field_is_one_of_ours_and_every_text_is_bounded():
    ours = tuple(kind for _, kind in inspect.getmembers(fields, inspect.isclass) if issubclass(kind, forms.Field))
    declared = [(form, name, field) for form in all_forms() for name, field in form.base_fields.items()]
    assert len(declared) > 40
    for form, name, field in declared:
        assert isinstance(field, ours), (form, name)
        if isinstance(field, forms.CharField) and not isinstance(field, forms.UUIDField):
            assert field.max_length, (form, name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Name of a new key is required"),
        ("   ", "Name of a new key is required"),
        ("a\0b", "Name of a new key must not contain NUL characters"),
        ("x" * 61, "Name of a new key must have at most 60 characters"),
    ],
)
def test_errors_speak_of_the_label_and_what_was_typed_is_kept(name: str, said: str):
    form = KeyForm({"name": name})
    assert form.errors == {"name": [said]}
    assert form.status == 422
    assert form["name"].value() == name


def test_a_limit_is_written_as_people_write_it():
    form = OfferForm({"note": "x" * 1_001}, models=[])
    assert form.errors["note"] == ["Note must have at most 1,000 characters"]


@pytest.mark.parametrize(("typed", "micro"), [("0.004", 4_000), (" 25 ", 25_000_000), (".5", 500_000)])
def test_money_is_read_as_micro_units(typed: str, micro: int):
    assert fields.Money().clean(typed) == micro


@pytest.mark.parametrize("typed", ["free", "-1", "0.0000001", "1e3", "1" * 80, "\0", "NaN"])
def test_what_is_no_money(typed: str):
    with pytest.raises(forms.ValidationError):
        fields.Money().clean(typed)


@pytest.mark.parametrize("micro", [4_000, 25_000_000, 1, 1_500_000])
def test_money_is_shown_as_it_would_have_been_typed(micro: int):
    assert fields.Money().clean(fields.Money().prepare_value(micro)) == micro


def refused(problem: Exception) -> AliasForm:
    form = AliasForm({"name": "best", "target": "acme/icons"})
    assert form.is_valid()

    def refuse() -> None:
        raise problem

    assert form.attempt(refuse) is None
    return form


def test_refusals_of_services_stand_at_the_fields_that_they_name():
    form = refused(Invalid("Nothing was done", errors=[FieldError("target", "must be on sale")]))
    assert form.errors == {"target": ["Model must be on sale"]}
    form = refused(Invalid("Nothing was done", errors=[FieldError("input.else", "Choose another")]))
    assert form.non_field_errors() == ["Choose another"]
    assert refused(Invalid("Nothing was done")).non_field_errors() == ["Nothing was done"]


def test_other_refusals_are_pages_of_their_own():
    for problem in (NotFound("no"), Conflict("no")):
        with pytest.raises(type(problem)):
            refused(problem)


def json_request(body: bytes):  # type: ignore[no-untyped-def]
    return RequestFactory().post("/x", body, content_type="application/json")


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\0", b"\xff"])
def test_a_script_sends_json_objects(body: bytes):
    with pytest.raises(NotUnderstood):
        VerdictForm.of_json(json_request(body))


@pytest.mark.parametrize(
    "changed",
    [
        b'"position": true',
        b'"position": 1.5',
        b'"position": -1',
        b'"verdict": "perhaps"',
        b'"verdict": ["accepted"]',
        b'"prediction": 5',
        b'"prediction": "x"',
        b'"reason": {}',
    ],
)
def test_fields_of_json_are_checked_too(changed: bytes):
    good = b'"prediction": "%s", "position": 0, "verdict": "accepted", "reason": ""' % short(new_id()).encode()
    assert VerdictForm.of_json(json_request(b"{%s}" % good)).given()["position"] == 0
    with pytest.raises(NotUnderstood):
        VerdictForm.of_json(json_request(b"{%s, %s}" % (good, changed))).given()


def test_announced_files_are_read_as_they_are_named():
    file = {"path": " a b.json", "size": 3, "modified": -5}
    (found,) = DraftForm({"name": "icons", "files": [file]}).given()["files"]
    assert (found.path, found.size, found.modified) == (" a b.json", 3, -5)


class Gateway:
    smallest, largest, is_instant = 1_000_000, 10_000_000_000, True


def test_a_form_that_was_used_up_is_shown_with_another_key():
    request = RequestFactory().post("/x", {"amount": "20", "key": "0" * 32})
    form = TopUpForm.of(request, gateway=Gateway())
    form.renew_keys()
    assert form["amount"].value() == "20"
    assert re.fullmatch("[0-9a-f]{32}", form["key"].value())
    assert form["key"].value() != "0" * 32
    assert TopUpForm({"amount": "20", "key": "?"}, gateway=Gateway()).is_valid()


def test_the_playground_speaks_of_the_fields_as_its_form_does():
    errors = [
        FieldError("input.num_outputs", "must be at most 4, not 9"),
        FieldError("input.prompt", "must have at most 1,000 characters, not 1,001"),
        FieldError("input.hue", "is no field of this model; it takes prompt"),
    ]
    said = by_label(
        Invalid("Nothing was run and nothing is charged: input.num_outputs must be …", errors=errors),
        {"prompt": {"title": "Prompt"}, "num_outputs": {"title": "Pictures"}},
    )
    assert [(error.field, error.detail) for error in said.errors] == [
        ("input.num_outputs", "Pictures must be at most 4, not 9"),
        ("input.prompt", "Prompt must have at most 1,000 characters, not 1,001"),
        ("input.hue", "hue is no field of this model; it takes prompt"),
    ]
    assert said.detail == "Nothing was run and nothing is charged. " + "; ".join(e.detail for e in said.errors) + "."
