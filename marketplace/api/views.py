"""The calls of Replicate's dialect that do not wait: models, versions, the list of predictions, the account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from inference.selectors import (
    input_file_for_buyer,
    input_files_for_buyer,
    prediction_for_buyer,
    predictions_for_buyer,
)
from inference.services.files import delete_upload
from inference.services.receipts import signer
from inference.services.review import review
from marketplace.accounts import policy
from marketplace.accounts.policy import Action
from marketplace.api import replicate
from marketplace.api.authentication import caller_of
from marketplace.api.files import file_document
from marketplace.api.shapes import answers
from marketplace.api.shapes.requests import GiveVerdict
from marketplace.catalog import selectors as catalog
from marketplace.catalog.domain import VERSION_ID
from marketplace.core import paging
from marketplace.core.ids import parse_short, short
from marketplace.core.money import decimal_text
from marketplace.core.paging import BadCursor
from marketplace.core.problems import FieldError, Invalid, NotFound, NotUnderstood
from marketplace.core.shapes import read
from providers.selectors import versions_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from inference.models import InputFile
    from marketplace.core.paging import Key, Row
    from providers.models import ModelVersion

PAGE = 100


def page_of(results: list[Any], *, following: str | None = None, previous: str | None = None) -> Response:
    """A page in the format of Replicate's clients."""
    return Response({"previous": previous, "next": following, "results": results})


def no_such_page() -> Invalid:
    """The refusal of a cursor that the list never gave."""
    wrong = FieldError("cursor", "must be one that `next` of another page gave")
    return Invalid("There is no such page", errors=[wrong])


def answer_page(
    request: Request, rows: QuerySet[Row], document: Callable[[Sequence[Row]], list[Any]], *, key: Key
) -> Response:
    """A page of a list, by the cursor of the request, with the addresses of the pages beside it.

    Args:
        document: makes the documents of a page's rows.
        key: as `core.paging.page_of`.

    Raises:
        Invalid: the list never gave that cursor.
    """
    try:
        page = paging.page_of(rows, key=key, size=PAGE, cursor=request.query_params.get("cursor", ""))
    except BadCursor:
        raise no_such_page() from None

    def address(cursor: str | None) -> str | None:
        return f"{settings.BASE_URL}{request.path}?{urlencode({'cursor': cursor})}" if cursor else None

    return page_of(document(page.rows), following=address(page.next), previous=address(page.previous))


class Predictions(APIView):
    def get(self, request: Request) -> Response:
        """The caller's predictions, newest first, a hundred per page; `next` is the address of the next page."""
        caller = caller_of(request)
        policy.check(caller, Action.SEE_PREDICTIONS)
        cursor = request.query_params.get("cursor")
        before = parse_short(cursor) if cursor else None
        if cursor and before is None:
            raise no_such_page()
        found = predictions_for_buyer(caller.organization_id, before=before, limit=PAGE + 1)
        documents = [replicate.prediction_document(view) for view in found[:PAGE]]
        following = None
        if len(found) > PAGE:
            following = f"{settings.BASE_URL}/v1/predictions?cursor={short(found[PAGE - 1].id)}"
        return page_of(documents, following=following)


class Reviews(APIView):
    def post(self, request: Request, id: str) -> Response:
        """Accept or reject one image that was made under an outcome contract: `verdict`, `position`, `reason`.

        A verdict is final. Repeating it changes nothing. Once every image is decided, the accepted ones are charged.
        """
        caller = caller_of(request)
        prediction = parse_short(id)
        if prediction is None:
            raise NotFound("There is no such prediction")
        given = read(request.data, GiveVerdict)
        done = review(
            caller=caller,
            prediction_id=prediction,
            position=given.position,
            verdict=given.verdict,
            reason=given.reason or "",
        )
        view = prediction_for_buyer(caller.organization_id, prediction)
        return Response(replicate.review_document(done.review, view), status=201 if done.is_new else 200)


class Models(APIView):
    permission_classes = [AllowAny]
    authentication_classes: list[type] = []
    http_method_names = ["get", "query", "head", "options"]

    def get(self, request: Request) -> Response:
        """The models on sale, most used first. `QUERY` with words as a text body searches them."""
        return page_of([replicate.model_document(offer) for offer in catalog.offers()])

    def query(self, request: Request) -> Response:
        """Search: Replicate's clients send `QUERY /v1/models` with a text body."""
        text = request._request.body[:1000].decode("utf-8", "replace")
        if "\0" in text:
            raise NotUnderstood("The words of a search must not contain NUL characters")
        return page_of([replicate.model_document(offer) for offer in catalog.offers(query=text)])


class Model(APIView):
    permission_classes = [AllowAny]
    authentication_classes: list[type] = []

    def get(self, request: Request, owner: str, name: str) -> Response:
        """One model with its price, its measurements, and the schema of its newest version."""
        return Response(replicate.model_document(catalog.offer_named(owner, name)))


class Versions(APIView):
    permission_classes = [AllowAny]
    authentication_classes: list[type] = []

    def get(self, request: Request, owner: str, name: str) -> Response:
        """The versions of a model, newest first, a hundred per page."""
        offer = catalog.offer_named(owner, name)
        return answer_page(request, versions_of(offer.listing.model), _versions, key=("-number",))


def _versions(found: Sequence[ModelVersion]) -> list[Any]:
    return [replicate.version_document(version) for version in found]


class Version(APIView):
    permission_classes = [AllowAny]
    authentication_classes: list[type] = []

    def get(self, request: Request, owner: str, name: str, version: str) -> Response:
        """One version and the schema of its input."""
        offer = catalog.offer_named(owner, name)
        found = versions_of(offer.listing.model).filter(pk=version).first() if VERSION_ID.fullmatch(version) else None
        if found is None:
            raise NotFound(f'{offer.slug} has no version "{version[:60]}"')
        return Response(replicate.version_document(found))


class Files(APIView):
    def get(self, request: Request) -> Response:
        """The caller's uploads that have not expired, newest first, a hundred per page."""
        caller = caller_of(request)
        policy.check(caller, Action.SEE_PREDICTIONS)
        return answer_page(request, input_files_for_buyer(caller.organization_id), _files, key=("-id",))


def _files(found: Sequence[InputFile]) -> list[Any]:
    return [file_document(file) for file in found]


class File(APIView):
    def get(self, request: Request, id: str) -> Response:
        """One upload of the caller."""
        caller = caller_of(request)
        policy.check(caller, Action.SEE_PREDICTIONS)
        return Response(file_document(input_file_for_buyer(caller.organization_id, parse_short(id))))

    def delete(self, request: Request, id: str) -> Response:
        """Delete an upload. Predictions that used it still show it."""
        delete_upload(caller=caller_of(request), file_id=parse_short(id))
        return Response(status=204)


class Account(APIView):
    def get(self, request: Request) -> Response:
        """The key's organisation and its balance."""
        caller = caller_of(request)
        policy.check(caller, Action.SEE_BALANCE)
        balance = balance_of(str(caller.organization_id), AccountKind.BUYER_PREPAID)
        account: answers.Account = {
            "type": "organization",
            "username": caller.organization_slug,
            "name": caller.organization_slug,
            "balance": {
                "available": decimal_text(balance.available),
                "held": decimal_text(balance.held),
                "currency": balance.currency,
            },
        }
        return Response(account)


class ReceiptKeys(APIView):
    permission_classes = [AllowAny]
    authentication_classes: list[type] = []

    def get(self, request: Request) -> Response:
        """The public keys that verify receipts."""
        key = signer()
        keys: answers.ReceiptKeys = {"keys": [{"id": key.key_id, "algorithm": "Ed25519", "public_key": key.public_key}]}
        return Response(keys)
