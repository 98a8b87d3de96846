"""A model's page with its playground."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.outcomes.selectors import contracts_in_force
from billing.pricing.domain import PriceTerms
from billing.pricing.selectors import terms_of
from inference.links import upload_path
from inference.services.estimates import estimate
from marketplace.accounts import policy
from marketplace.accounts.domain import is_name
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import actor_of, organizations_of
from marketplace.benchmarks.domain.states import COMPARED_TASK
from marketplace.catalog import selectors as catalog
from marketplace.catalog.domain import sku_of
from marketplace.catalog.selectors import Offer
from marketplace.catalog.services.resolution import input_check
from marketplace.core.ids import short
from marketplace.core.money import format_amount
from marketplace.core.problems import Invalid
from marketplace.web.public.forms import ContractQuery, InputsForm, PaymentForm
from marketplace.web.public.playground import estimate_texts
from marketplace.web.shared.access import current_membership, enter
from marketplace.web.shared.calls import answers_with_value
from marketplace.web.shared.cards import examples_shown, model_card
from marketplace.web.shared.fields import Option
from marketplace.web.shared.forms import query_of
from marketplace.web.shared.inputs import schema_fields, typed_values
from marketplace.web.shared.markdown import render_markdown
from marketplace.web.shared.paging import page_of
from marketplace.web.shared.versions import profile_of
from providers import tasks
from providers.selectors import checks_of, versions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.domain.rating import RatedCall
    from marketplace.accounts.models import Membership
    from marketplace.catalog.models import Alias

VERSIONS, CONTRACTS = 20, 20


def model(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The page of the model on sale under this name, or a redirect to the target of the member's alias."""
    if alias := _own_alias(request, owner, name):
        return redirect("web:model", alias.model.organization.slug, alias.model.name)
    offer = catalog.offer_named(owner, name)
    listing, membership = offer.listing, current_membership(request)
    card = model_card(offer, pictures=0)
    balance = None
    if membership is not None:
        enter(request, membership)  # the header shows the organisation that pays
        if membership.organization.can_buy:
            balance = balance_of(str(membership.organization_id), AccountKind.BUYER_PREPAID).available
    examples, asked = examples_shown(offer, limit=8), query_of(request)
    rated = _opening_estimate(offer, membership, asked or (examples[0]["input"] if examples else {}))
    why_not = _why_not(request, membership, balance=balance, price=rated.amount or 0)
    fields = schema_fields(listing.version.input_schema, asked)
    uploads_to = upload_path(membership.organization_id) if membership is not None and balance is not None else ""
    asked_contract = ContractQuery.of_query(request).value("contract", None)
    context = {
        "model": card
        | {
            "slug": offer.slug,
            "card_html": render_markdown(listing.model.card, top=3),
        },
        "version": listing.version,
        "version_page": page_of(request, versions_of(listing.model), key=("-number",), size=VERSIONS, name="versions"),
        "price": offer.price,
        "stats": card["stats"],
        "estimate": estimate_texts(offer.price, rated),
        "estimate_url": reverse("web:estimate", args=[owner, name]),
        "examples": examples,
        "profile": profile_of(checks_of(listing.version)),
        "fields": fields,
        "payment": _payment(membership, offer, asked=asked_contract),
        "form": InputsForm(fields, upload_url=uploads_to),
        "takes_file": any(field["type"] == "file" for field in fields),
        "answers_with_value": answers_with_value(listing.model.task),
        "can_run": why_not is None,
        "why_not": why_not,
        "balance_micro": balance,
        "create_url": reverse("web:run", args=[owner, name]),
        "benchmark_url": _benchmark_path(offer, membership),
    }
    return render(request, "public/model.html", context)


def _opening_estimate(offer: Offer, membership: Membership | None, given: Mapping[str, Any]) -> RatedCall:
    """The cost of a run with the page's initial inputs; if these are invalid, with the defaults."""
    version = offer.listing.version
    inputs = typed_values(version.input_schema, given)
    caller = actor_of(membership) if membership is not None else None
    task, check = tasks.task_named(offer.listing.model.task), input_check(version.pk)
    try:
        return estimate(task=task, check=check, terms=offer.price, inputs=inputs, caller=caller)
    except Invalid:
        return estimate(task=task, check=check, terms=offer.price, inputs={})


def _own_alias(request: HttpRequest, owner: str, name: str) -> Alias | None:
    """The alias at this address, for members of its organisation."""
    if not request.user.is_authenticated:
        return None
    organization = organizations_of(request.user).filter(slug__iexact=owner).first() if is_name(owner) else None
    return catalog.alias_named(owner, name, organization.pk) if organization else None


def _benchmark_path(offer: Offer, membership: Membership | None) -> str | None:
    """The address at which a member can benchmark the model; None if they cannot, or its task is not compared."""
    if membership is None or not membership.organization.can_buy or offer.listing.model.task != COMPARED_TASK:
        return None
    address = reverse("web:console_new_benchmark", args=[membership.organization.slug])
    return f"{address}?{urlencode({'model': offer.slug})}"


def _why_not(
    request: HttpRequest, membership: Membership | None, *, balance: int | None, price: int
) -> dict[str, str] | None:
    """The reason why the visitor cannot run a model, with a link to the remedy; None if they can."""
    if not request.user.is_authenticated:
        url = f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}"
        return {"text": "Sign in to run this model; the form stays as it is.", "url": url, "label": "Sign in to run"}
    if membership is None:
        text = "An organisation holds the balance that runs are paid from."
        return {"text": text, "url": reverse("web:new_organization"), "label": "Create an organisation"}
    organization = membership.organization
    if balance is None:
        text = f"{organization.name} provides but does not buy. Switch to an organisation that buys, or create one."
        return {"text": text, "url": reverse("web:new_organization"), "label": "Create an organisation"}
    if not policy.allows(actor_of(membership), Action.RUN):
        url = reverse("web:console_members", args=[organization.slug])
        return {"text": policy.who_may(Action.RUN), "url": url, "label": "See the members"}
    if balance < price:
        url = reverse("web:console_balance", args=[organization.slug])
        return {"text": "The balance does not cover one run.", "url": url, "label": "Top up the balance"}
    return None


def _payment(membership: Membership | None, offer: Offer, *, asked: uuid.UUID | None) -> PaymentForm | None:
    """The choice of how to pay, if the visitor has contracts to pay only for accepted images; `asked` is chosen."""
    if membership is None:
        return None
    in_force = contracts_in_force(str(membership.organization_id), sku_of(offer.listing.model_id))
    newest = list(in_force[:CONTRACTS])
    older = in_force.filter(pk=asked).exclude(pk__in=[contract.pk for contract in newest]) if asked else ()
    found = [*newest, *older]
    if not found:
        return None
    choices = [("", _way("Pay per", offer.price))]
    for contract in found:
        way = _way("Pay per accepted", terms_of(contract.offer.price))
        if len(found) > 1:
            way = Option(f"{way}, version {contract.offer.version}", figure=way.figure)
        choices.append((short(contract.pk), way))
    hours = found[0].offer.review_hours
    return PaymentForm(choices, review_hours=hours, initial={"contract": short(asked) if asked else ""})


def _way(what: str, terms: PriceTerms) -> Option:
    return Option(f"{what} {terms.unit.singular}", figure=format_amount(terms.amount, terms.currency))
