"""The page of a version and its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render

from inference.selectors import examples_of, living_nodes
from marketplace.accounts.policy import Action
from marketplace.core.problems import NotFound
from marketplace.web.provider.model_page import own_listing
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.versions import detail_of, example_picture, profile_of
from providers.domain import CheckState, Step, VersionState
from providers.selectors import checks_of, files_of, model_named, version_numbered

if TYPE_CHECKING:
    from providers.models import VersionCheck

STEPS = {
    Step.FILES: ("Files", "Paths, weights, card, classes, licence and schema"),
    Step.LOAD: ("Load", "A node fetches the weights and loads them"),
    Step.GOLDEN: ("Golden run", "The same input and seed twice; the digests are kept"),
    Step.PROFILE: ("Profile", "Seconds by batch size, memory, operations"),
    Step.EXAMPLES: ("Examples", "Pictures for the model's page"),
}


@member_page(Action.SEE_MODELS)
def version(request: MemberRequest, name: str, number: int) -> HttpResponse:
    """A version with its checks; the page reloads them until they end."""
    organization = request.membership.organization
    model = model_named(organization.slug, name)
    found = version_numbered(model, number) if model is not None else None
    if model is None or found is None:
        raise NotFound("There is no such version")
    checks = checks_of(found)
    listing = own_listing(request, model)
    context = {
        "model": model,
        "version": found,
        "is_checking": found.state == VersionState.CHECKING,
        "is_on_sale": listing is not None and listing.listed and listing.version_id == found.pk,
        "steps": [_step(check) for check in checks],
        "passed": sum(check.state == CheckState.PASSED for check in checks),
        "waits_for_node": _waits_for_node(checks) and not living_nodes().exists(),
        "examples": [example_picture(example) for example in examples_of(found.pk)],
        "profile": profile_of(checks),
        "golden": detail_of(checks, Step.GOLDEN),
        "load": detail_of(checks, Step.LOAD),
        "files": files_of(found),
    }
    template = "provider/_version.html" if request.headers.get("HX-Request") else "provider/version.html"
    return render(request, template, context)


def _step(check: VersionCheck) -> dict[str, Any]:
    title, explanation = STEPS[Step(check.step)]
    ended = check.ended_at - check.started_at if check.ended_at and check.started_at else None
    return {
        "name": check.step,
        "title": title,
        "explanation": explanation,
        "state": check.state,
        "detail": check.detail,
        "errors": check.errors,
        "seconds": ended.total_seconds() if ended is not None else None,
    }


def _waits_for_node(checks: list[VersionCheck]) -> bool:
    waiting = next((check for check in checks if not CheckState(check.state).is_final), None)
    return waiting is not None and waiting.step != Step.FILES and waiting.state == CheckState.WAITING
