"""The organisation's aliases over HTTP, so that a deployment can change which model its software calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts import policy
from marketplace.accounts.policy import Action
from marketplace.api.authentication import caller_of
from marketplace.api.shapes import answers
from marketplace.api.shapes.requests import PutAlias
from marketplace.api.views import answer_page
from marketplace.catalog import selectors as catalog
from marketplace.catalog.selectors import AliasView
from marketplace.catalog.services.aliases import create_alias, delete_alias, move_alias
from marketplace.core.problems import NotFound
from marketplace.core.shapes import read

if TYPE_CHECKING:
    from marketplace.catalog import models


class Aliases(APIView):
    def get(self, request: Request) -> Response:
        """The aliases of the key's organisation by name, a hundred per page."""
        caller = caller_of(request)
        policy.check(caller, Action.SEE_ALIASES)
        return answer_page(request, catalog.aliases_of(caller.organization_id), _documents, key=("name", "id"))


def _documents(aliases: Sequence[models.Alias]) -> list[answers.Alias]:
    return [alias_document(view) for view in catalog.alias_views(aliases)]


class Alias(APIView):
    def put(self, request: Request, name: str) -> Response:
        """Make the alias, or move it: `{"model": "owner/name"}`, with `@v2` to pin a version.

        `expected` is the target that the caller knows. If another client has moved the alias since, the answer is 409.
        Without `expected`, the last move wins.
        """
        caller = caller_of(request)
        given = read(request.data, PutAlias)
        exists = catalog.alias_named(caller.organization_slug, name, caller.organization_id) is not None
        if exists or given.expected is not None:
            alias = move_alias(actor=caller, name=name, target=given.model, expected=given.expected)
        else:
            alias = create_alias(actor=caller, name=name, target=given.model)
        views = catalog.alias_views(list(catalog.aliases_of(caller.organization_id).filter(pk=alias.pk)))
        if not views:
            raise NotFound(f"{caller.organization_slug}/{alias.name} was deleted in the meantime")
        return Response(alias_document(views[0]), status=200 if exists else 201)

    def delete(self, request: Request, name: str) -> Response:
        """Delete the alias. Later calls of it are refused."""
        delete_alias(actor=caller_of(request), name=name)
        return Response(status=204)


def alias_document(view: AliasView) -> answers.Alias:
    """An alias in the API; `on_sale`: whether its model can be called."""
    return {
        "alias": view.slug,
        "model": view.alias.target,
        "on_sale": view.offer is not None,
        "moved_at": view.alias.moved_at.isoformat(),
        "url": f"{settings.BASE_URL}/{view.alias.model.organization.slug}/{view.alias.model.name}",
    }
