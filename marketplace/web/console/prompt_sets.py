"""The pages of prompt sets: typed line by line, or uploaded as CSV."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.prompts import MAX_FILE_BYTES, PromptLine, UnusablePrompts, parse_csv, parse_text
from marketplace.benchmarks.selectors.prompt_sets import prompt_set_for_buyer, prompt_sets_for_buyer
from marketplace.benchmarks.services import prompt_sets
from marketplace.core.ids import short
from marketplace.core.problems import FieldError, Invalid
from marketplace.web.console.forms import PromptSetForm, PromptSetQuery
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.paging import page_of

if TYPE_CHECKING:
    from marketplace.benchmarks.models import PromptSet

SETS, PROMPTS = 30, 50


@member_page(Action.SEE_BENCHMARKS)
def index(request: MemberRequest) -> HttpResponse:
    """The organisation's prompt sets."""
    found = prompt_sets_for_buyer(request.membership.organization_id)
    page = page_of(request, found, key=("-created_at", "-id"), size=SETS)
    rows = [{"set": prompt_set, "id": short(prompt_set.pk)} for prompt_set in page]
    return render(request, "console/prompt_sets.html", {"page": page, "rows": rows})


@member_page(Action.CREATE_PROMPT_SET)
def new(request: MemberRequest) -> HttpResponse:
    """The form of a new prompt set."""
    form = PromptSetForm.of(request, initial={"next": PromptSetQuery.of_query(request).value("next")})
    if form.is_valid():
        made = form.attempt(_create, request, form)
        if made is not None:
            return _after_saving(request, made, for_benchmark=form.cleaned_data["next"] == "benchmark")
    return render(request, "console/new_prompt_set.html", {"form": form}, status=form.status)


@member_page(Action.SEE_BENCHMARKS)
def detail(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """One prompt set: read-only if it is frozen, else with a form to change it."""
    found = prompt_set_for_buyer(request.membership.organization_id, id)
    form = PromptSetForm.of(request, initial=_initial(found) if found.frozen_at is None else {})
    if form.is_valid():
        form.attempt(_change, request, found.pk, form)
        if form.is_valid():
            messages.success(request, "The prompt set was saved.")
            return redirect("web:console_prompt_set", request.membership.organization.slug, id)
    page = page_of(request, found.prompts.all(), key=("position",), size=PROMPTS)
    context = {"set": found, "id": short(id), "page": page, "form": form}
    return render(request, "console/prompt_set.html", context, status=form.status)


def _initial(found: PromptSet) -> dict[str, str]:
    """The form's values: all prompts, at most `MAX_PROMPTS`, a line each."""
    texts = found.prompts.values_list("text", flat=True)
    return {"name": found.name, "prompts": "\n".join(" ".join(text.split()) for text in texts)}


def _create(request: MemberRequest, form: PromptSetForm) -> uuid.UUID:
    made = prompt_sets.create_prompt_set(actor=request.actor, name=form.cleaned_data["name"], prompts=_given(form))
    return made.pk


def _change(request: MemberRequest, id: uuid.UUID, form: PromptSetForm) -> None:
    name, lines = form.cleaned_data["name"], _given(form)
    prompt_sets.change_prompt_set(actor=request.actor, prompt_set_id=id, name=name, prompts=lines)


def _given(form: PromptSetForm) -> Sequence[PromptLine]:
    """The prompts of the form: those of the file if one was chosen, else the lines of the text.

    Raises:
        Invalid: they cannot be used; the errors are under the field they came from.
    """
    file = form.cleaned_data["file"]
    try:
        if file is not None:
            return parse_csv(file.read(MAX_FILE_BYTES + 1))
        return parse_text(form.cleaned_data["prompts"])
    except UnusablePrompts as error:
        field = "file" if file is not None else "prompts"
        raise Invalid("Nothing was saved", errors=[FieldError(field, " ".join(error.errors))]) from None


def _after_saving(request: MemberRequest, id: uuid.UUID, *, for_benchmark: bool) -> HttpResponse:
    """Redirect to the form of the benchmark that the set was made for, if any, else to the set."""
    slug = request.membership.organization.slug
    if for_benchmark:
        return redirect(f"{reverse('web:console_new_benchmark', args=[slug])}?{urlencode({'prompts': short(id)})}")
    messages.success(request, "The prompt set was saved.")
    return redirect("web:console_prompt_set", slug, id)
