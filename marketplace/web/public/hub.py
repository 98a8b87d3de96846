"""Redirects from the addresses that the Hub's clients print after an upload to the matching pages."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from marketplace.accounts.selectors import organizations_of
from providers.hub.reading import COMMIT_ID
from providers.selectors import model_named, version_by_id


@login_required
def revision(request: HttpRequest, owner: str, name: str, rest: str) -> HttpResponse:
    """`/{owner}/{name}/commit/{id}` and `…/tree/…`: the version's page for its owner, else the model's public page."""
    assert request.user.is_authenticated
    model = model_named(owner, name)
    if model is None or not organizations_of(request.user).filter(pk=model.organization_id).exists():
        return redirect("web:model", owner, name)
    slug = model.organization.slug
    commit = rest.partition("/")[0]
    version = version_by_id(commit) if COMMIT_ID.fullmatch(commit) else None
    if version is None or version.model_id != model.pk:
        return redirect("web:provider_model", slug, model.name)
    return redirect("web:provider_version", slug, model.name, version.number)
