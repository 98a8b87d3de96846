"""Every page and GET route: the number of its queries and the size of its answer do not grow with the market."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from marketplace.api.routes import ROUTES
from marketplace.web import urls
from tests.support.crowd import Crowd

SMALL, LARGE, LARGER = 3, 110, 140  # rows of everything; no page has more than a hundred
SLACK = 1.05  # a longer page number or count takes a few bytes

# Each page by the name of its address. What it lists, and how that is bounded, is beside it.
PAGES = {
    "console_predictions": "/console/{org}/predictions",  # by id, 30
    "console_prediction": "/console/{org}/predictions/{prediction}",  # nothing
    "console_charge": "/console/{org}/predictions/{prediction}/charge",  # nothing
    "console_keys": "/console/{org}/keys",  # by creation, 30
    "console_balance": "/console/{org}/balance",  # top-ups by id, 10; entries by id, 30
    "console_top_up": "/console/{org}/balance/top-ups/{top_up}",  # nothing
    "console_transaction": "/console/{org}/balance/{transaction}",  # the entries of one transaction
    "console_contracts": "/console/{org}/contracts",  # contracts and offers by force and id, 30
    "console_offer": "/console/{org}/contracts/offers/{offer}",  # nothing
    "console_contract": "/console/{org}/contracts/{contract}",  # calls by id, 50
    "console_contract_review": "/console/{org}/contracts/{contract}/review",  # the 200 oldest that wait
    "console_members": "/console/{org}/members",  # by creation, 30
    "console_prompt_sets": "/console/{org}/prompt-sets",  # by creation, 30
    "console_new_prompt_set": "/console/{org}/prompt-sets/new",  # nothing
    "console_prompt_set": "/console/{org}/prompt-sets/{frozen}",  # prompts by position, 50
    "console_benchmarks": "/console/{org}/benchmarks",  # by creation, 30
    "console_benchmark": "/console/{org}/benchmarks/{benchmark}",  # pictures by prompt, 25
    "console_benchmark_progress": "/console/{org}/benchmarks/{benchmark}/progress",  # counts
    "new_organization": "/console/new",  # nothing
    "provider_publish": "/provider/{org}/publish",  # nothing
    "provider_model": "/provider/{org}/models/{model}",  # versions by number, 20; prices by version, 10
    "provider_price_preview": "/provider/{org}/models/{model}/preview",  # nothing
    "provider_version": "/provider/{org}/models/{model}/versions/1",  # its files, at most 200; 5 checks
    "provider_earnings": "/provider/{org}/earnings",  # entries by id, 30
    "provider_transaction": "/provider/{org}/earnings/{transaction}",  # the entries of one transaction
    "provider_payouts": "/provider/{org}/payouts",  # by id, 30
    "provider_contracts": "/provider/{org}/contracts",  # contracts and offers by force and id, 30
    "provider_offer": "/provider/{org}/contracts/offers/{offer}",  # contracts by force and id, 30
    "provider_contract": "/provider/{org}/contracts/{contract}",  # calls by id, 50
    "provider_members": "/provider/{org}/members",  # by creation, 30
    "operator_health": "/operator/",  # nodes by id, 10; the 50 longest queues; 20 failing events
    "operator_ledger": "/operator/ledger",  # the last proof, and the 10 newest
    "operator_payments": "/operator/payments",  # events by time, 30; three lists by id, 20
    "operator_inbox": "/operator/inbox",  # by id, 20
    "operator_organizations": "/operator/organizations",  # by id, 50
    "operator_organization": "/operator/organizations/{organization_id}",  # members, models and calls, 20
    "operator_people": "/operator/people",  # by id, 50
    "operator_person": "/operator/people/{person}",  # memberships by creation, 30
    "operator_models": "/operator/models",  # by id, 50
    "operator_model": "/operator/models/{model_id}",  # prices, versions and calls, 20
    "operator_calls": "/operator/calls",  # by id, 50
    "operator_call": "/operator/calls/{prediction}",  # nothing
    "model": "/{org}/{model}",  # versions by number, 20
    "docs": "/docs/",  # files of the product
    "docs_page": "/docs/api",  # files of the product
}
# Pages that show no list of the market's, or whose lists are not this test's.
OTHERS = {
    "home": "the catalogue's own test",
    "catalogue": "the catalogue's own test",
    "console_aliases": "offers the catalogue's models; aliases by name, 20, each with its 6 newest moves",
    "console_new_benchmark": "offers the catalogue's models; its prompt sets are the 50 newest",
    "console_benchmark_estimate": "offers the catalogue's models",
    "provider_models": "its statistics are read model by model; 20 models a page",
    "provider_new_offer": "a choice of the provider's own models on sale, in a constant number of queries",
    "console_vote": "one pair; its ballot is bounded by MAX_PROMPTS and MAX_MODELS",
    "console_results_csv": "a file of one benchmark, bounded by MAX_PROMPTS and MAX_MODELS",
    "console_votes_csv": "a file of one benchmark",
    "hub_commit": "a redirect",
    "hub_tree": "a redirect",
    "console": "a redirect",
    "console_of": "a redirect",
    "provider": "a redirect",
    "provider_payouts_back": "a redirect",
    "provider_payouts_again": "a redirect",
}
POSTS = {
    "console_cancel", "console_move_alias", "console_delete_alias", "console_revoke_key", "console_end_contract",
    "console_contract_verdict", "console_change_role", "console_remove_member", "console_cancel_benchmark",
    "console_resume_benchmark", "console_retry_benchmark", "console_benchmark_names", "console_undo_vote",
    "provider_drafts", "provider_draft_check", "provider_draft_commit", "provider_draft_discard", "provider_set_price",
    "provider_list", "provider_unlist", "provider_delete_model", "provider_payouts_onboard", "provider_end_offer",
    "provider_end_contract", "provider_change_role", "provider_remove_member", "operator_payments_again",
    "operator_prove", "run", "estimate",
}  # fmt: skip

# Each GET route of the API by its template, where Django answers.
API = {
    "/v1/predictions": "/v1/predictions",  # by id, 100
    "/v1/files": "/v1/files",  # by id, 100
    "/v1/files/{id}": "/v1/files/{file}",  # nothing
    "/v1/models/{owner}/{name}": "/v1/models/{org}/{model}",  # nothing
    "/v1/models/{owner}/{name}/versions": "/v1/models/{org}/{model}/versions",  # by number, 100
    "/v1/models/{owner}/{name}/versions/{version}": "/v1/models/{org}/{model}/versions/{version}",  # nothing
    "/v1/aliases": "/v1/aliases",  # by name, 100
    "/v1/account": "/v1/account",  # nothing
    "/v1/receipts/keys": "/v1/receipts/keys",  # nothing
}
OTHER_ROUTES = {"/v1/models": "the catalogue's own test"}


@dataclass(frozen=True)
class Cost:
    queries: int
    size: int  # bytes


def named(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


def test_every_page_is_looked_at():
    assert set(named(get_resolver(urls.__name__).url_patterns)) == {*PAGES, *OTHERS, *POSTS}


def test_every_route_is_looked_at():
    served = {route.template for route in ROUTES if route.view is not None and "GET" in route.methods}
    assert served == {*API, *OTHER_ROUTES}


class Visitors:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd, self._member, self._operator = crowd, Client(), Client()
        self._member.force_login(crowd.party.user)
        self._operator.force_login(crowd.operator)

    def costs(self) -> Mapping[str, Cost]:
        return {name: self._cost(name, path) for name, path in (PAGES | API).items()}

    def _cost(self, name: str, path: str) -> Cost:
        client = self._operator if name.startswith("operator_") else self._member
        address = path.format(**self._crowd.names)
        headers = {"authorization": f"Bearer {self._crowd.key.secret}"} if name in API else {}
        client.get(address, headers=headers)  # what is cached is read now
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address, headers=headers)
        assert answer.status_code == 200, (address, answer.content[:500])
        return Cost(len(captured), len(answer.content))


@pytest.fixture(scope="module")
def costs(django_db_blocker: Any) -> Iterator[list[Mapping[str, Cost]]]:
    """The cost of every page and route at each size."""
    with django_db_blocker.unblock():
        crowd = Crowd()
        visitors = Visitors(crowd)
        found = []
        for size in (SMALL, LARGE, LARGER):
            crowd.grow(size - crowd.size)
            found.append(visitors.costs())
        crowd.shrink()
        yield found


@pytest.mark.parametrize("name", [*PAGES, *API])
def test_the_number_of_queries_is_constant(costs: list[Mapping[str, Cost]], name: str):
    assert costs[0][name].queries == costs[1][name].queries == costs[2][name].queries


@pytest.mark.parametrize("name", [*PAGES, *API])
def test_an_answer_is_no_longer_than_a_page(costs: list[Mapping[str, Cost]], name: str):
    assert costs[2][name].size <= costs[1][name].size * SLACK
