"""The pages of prompt sets: typed line by line, or uploaded as CSV."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.prompts import (
    MAX_FILE_BYTES,
    MAX_PROMPT_LENGTH,
    MAX_PROMPTS,
    PromptLine,
    UnusablePrompts,
    parse_csv,
    parse_text,
)
from marketplace.benchmarks.selectors.prompt_sets import prompt_set_for_buyer, prompt_sets_for_buyer
from marketplace.benchmarks.services import prompt_sets
from marketplace.core.ids import parse_short, short
from marketplace.core.problems import FieldError, Invalid
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.console.views import by_field

LIMITS = {"most": MAX_PROMPTS, "longest": MAX_PROMPT_LENGTH, "largest_file": MAX_FILE_BYTES}


@member_page(Action.SEE_BENCHMARKS)
def index(request: MemberRequest) -> HttpResponse:
    found = prompt_sets_for_buyer(request.membership.organization_id)
    rows = [{"set": prompt_set, "id": short(prompt_set.pk)} for prompt_set in found]
    return render(request, "console/prompt_sets.html", {"rows": rows})


@member_page(Action.CREATE_PROMPT_SET)
def new(request: MemberRequest) -> HttpResponse:
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            lines = _given(request)
            made = prompt_sets.create_prompt_set(actor=request.actor, name=request.POST.get("name", ""), prompts=lines)
        except Invalid as problem:
            errors = by_field(problem)
        else:
            return _after_saving(request, short(made.pk))
    context = {
        "errors": errors,
        "name": request.POST.get("name", ""),
        "text": request.POST.get("prompts", ""),
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "limits": LIMITS,
    }
    return render(request, "console/new_prompt_set.html", context, status=422 if errors else 200)


@member_page(Action.SEE_BENCHMARKS)
def detail(request: MemberRequest, id: str) -> HttpResponse:
    """One prompt set: read if it is frozen, changed otherwise."""
    found = prompt_set_for_buyer(request.membership.organization_id, parse_short(id))
    prompts = list(found.prompts.all())
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            name, lines = request.POST.get("name", ""), _given(request)
            prompt_sets.change_prompt_set(actor=request.actor, prompt_set_id=found.pk, name=name, prompts=lines)
        except Invalid as problem:
            errors = by_field(problem)
        else:
            messages.success(request, "The prompts are saved.")
            return redirect("web:console_prompt_set", request.membership.organization.slug, id)
    context = {
        "set": found,
        "id": id,
        "prompts": prompts,
        "errors": errors,
        "name": request.POST.get("name", found.name),
        "text": request.POST.get("prompts", "\n".join(" ".join(prompt.text.split()) for prompt in prompts)),
        "limits": LIMITS,
    }
    return render(request, "console/prompt_set.html", context, status=422 if errors else 200)


def _given(request: HttpRequest) -> Sequence[PromptLine]:
    """The prompts of the form: those of the file if one was chosen, else the lines of the text.

    Raises:
        Invalid: they cannot be used, with what is wrong under the field they came from.
    """
    file = request.FILES.get("file")
    try:
        if file is not None:
            return parse_csv(file.read(MAX_FILE_BYTES + 1))
        return parse_text(request.POST.get("prompts", ""))
    except UnusablePrompts as error:
        field = "file" if file is not None else "prompts"
        raise Invalid("Nothing was saved", errors=[FieldError(field, " ".join(error.errors))]) from None


def _after_saving(request: MemberRequest, id: str) -> HttpResponse:
    """On to the benchmark that the set was made for, if it was made for one."""
    slug = request.membership.organization.slug
    if request.POST.get("next") == "benchmark":
        return redirect(f"{reverse('web:console_new_benchmark', args=[slug])}?{urlencode({'prompts': id})}")
    messages.success(request, "The prompts are saved.")
    return redirect("web:console_prompt_set", slug, id)
