"""The table of actions, tried by every role and every key through the services themselves."""

import importlib
import inspect
import io
import pkgutil
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from billing.gateways.base import AccountHolder
from billing.ledger.services import proofs
from billing.outcomes.models import OutcomeContract, OutcomeOffer
from billing.outcomes.services import contracts
from billing.payments.models import GatewayEvent
from billing.payments.services import gateway_events, payees, payouts, top_ups
from billing.pricing.domain import Unit
from inference.domain.lifecycle import Origin
from inference.models import InputFile
from inference.services import admit, cancel, files, review
from marketplace.accounts import policy
from marketplace.accounts.domain import INSTALLATION, Actor, Role, Scope
from marketplace.accounts.models import ApiKey, AuditEvent, Membership, Organization, User
from marketplace.accounts.policy import RULES, Action
from marketplace.accounts.selectors import actor_of, operator_of, platform_for
from marketplace.accounts.services import api_keys, members
from marketplace.benchmarks.domain.prompts import parse_text
from marketplace.benchmarks.domain.states import Answer
from marketplace.benchmarks.models import PromptSet
from marketplace.benchmarks.services import control, estimates, prompt_sets, start, voting
from marketplace.catalog.models import Alias, Listing
from marketplace.catalog.services import aliases, listing, pricing, publish
from marketplace.catalog.services import contracts as offers
from marketplace.core.ids import new_id
from marketplace.core.problems import Forbidden, NotAuthenticated, NotFound, Problem
from providers.hub import committing, lfs, uploads
from providers.models import GenerativeModel, UploadDraft
from providers.services import commit, drafts, repositories
from providers.services import publish as publishing
from tests.support.benchmark_market import BenchmarkCase as RunningBenchmark
from tests.support.inference_market import call
from tests.support.ledger import earn
from tests.support.parties import Party, make_listing, make_operator
from tests.support.pictures import picture

pytestmark = pytest.mark.usefixtures("database")

# Written out once more, so that a slip in the table is not copied into its test.
ALL = "owner admin developer reviewer billing auditor"
TABLE = {
    Action.SEE_MEMBERS: ALL,
    Action.ADD_MEMBER: "owner admin",
    Action.CHANGE_ROLE: "owner admin",
    Action.REMOVE_MEMBER: "owner admin",
    Action.MANAGE_OWNERS: "owner",
    Action.SEE_KEYS: "owner admin developer auditor",
    Action.CREATE_KEY: "owner admin developer",
    Action.REVOKE_KEY: "owner admin developer",
    Action.REVOKE_KEY_OF_OTHERS: "owner admin",
    Action.RUN: "owner admin developer",
    Action.CANCEL: "owner admin developer",
    Action.UPLOAD: "owner admin developer",
    Action.DELETE_UPLOAD: "owner admin developer",
    Action.SEE_PREDICTIONS: "owner admin developer reviewer auditor",
    Action.SEE_ALIASES: "owner admin developer auditor",
    Action.CREATE_ALIAS: "owner admin developer",
    Action.MOVE_ALIAS: "owner admin developer",
    Action.DELETE_ALIAS: "owner admin developer",
    Action.SEE_BALANCE: "owner admin developer billing auditor",
    Action.SEE_STATEMENTS: "owner admin billing auditor",
    Action.TOP_UP: "owner admin billing",
    Action.SEE_CONTRACTS: ALL,
    Action.OFFER_CONTRACT: "owner admin billing",
    Action.WITHDRAW_OFFER: "owner admin billing",
    Action.SIGN_CONTRACT: "owner admin billing",
    Action.END_CONTRACT: "owner admin billing",
    Action.REVIEW: "owner admin reviewer",
    Action.SEE_BENCHMARKS: "owner admin developer reviewer auditor",
    Action.CREATE_PROMPT_SET: "owner admin developer",
    Action.CHANGE_PROMPT_SET: "owner admin developer",
    Action.START_BENCHMARK: "owner admin developer",
    Action.RESUME_BENCHMARK: "owner admin developer",
    Action.RETRY_BENCHMARK: "owner admin developer",
    Action.CANCEL_BENCHMARK: "owner admin developer",
    Action.VOTE: "owner admin developer reviewer",
    Action.SEE_MODELS: "owner admin developer billing auditor",
    Action.CREATE_MODEL: "owner admin developer",
    Action.COMMIT: "owner admin developer",
    Action.DELETE_MODEL: "owner admin",
    Action.SET_PRICE: "owner admin billing",
    Action.LIST_MODEL: "owner admin",
    Action.UNLIST_MODEL: "owner admin",
    Action.SEE_EARNINGS: "owner admin billing auditor",
    Action.SEE_PAYOUTS: "owner admin billing auditor",
    Action.ONBOARD_PAYEE: "owner admin billing",
    Action.REQUEST_PAYOUT: "owner admin billing",
    Action.OPERATE_SEE_HEALTH: "",
    Action.OPERATE_SEE_LEDGER: "",
    Action.OPERATE_SEE_PAYMENTS: "",
    Action.OPERATE_SEE_INBOX: "",
    Action.OPERATE_PROVE_LEDGER: "",
    Action.OPERATE_SEE_ORGANIZATIONS: "",
    Action.OPERATE_SEE_PEOPLE: "",
    Action.OPERATE_SEE_MODELS: "",
    Action.OPERATE_SEE_CALLS: "",
    Action.OPERATE_RETRY_EVENT: "",
}
SCOPES = {
    Action.RUN: Scope.RUN,
    Action.CANCEL: Scope.RUN,
    Action.UPLOAD: Scope.RUN,
    Action.DELETE_UPLOAD: Scope.RUN,
    Action.SEE_PREDICTIONS: Scope.READ,
    Action.SEE_ALIASES: Scope.READ,
    Action.SEE_BALANCE: Scope.READ,
    Action.SEE_MODELS: Scope.READ,
    Action.CREATE_ALIAS: Scope.ALIASES,
    Action.MOVE_ALIAS: Scope.ALIASES,
    Action.DELETE_ALIAS: Scope.ALIASES,
    Action.CREATE_MODEL: Scope.PUBLISH,
    Action.COMMIT: Scope.PUBLISH,
    Action.DELETE_MODEL: Scope.DELETE,
    Action.REVIEW: Scope.REVIEW,
}
URLS = {"back_url": "https://market.example/back", "again_url": "https://market.example/again"}
HASH = "0" * 64


@dataclass(frozen=True)
class World:
    """An organisation on both sides of the market with a member of each role, a key of each scope, and things."""

    party: Party
    members: Mapping[Role, Membership]
    keys: Mapping[Scope | None, ApiKey]
    listing: Listing
    unsold: GenerativeModel
    benchmark: RunningBenchmark
    prompt_set: PromptSet
    alias: Alias
    offered: OutcomeOffer
    offer: OutcomeOffer
    contract: OutcomeContract
    prediction: uuid.UUID
    upload: InputFile
    draft: UploadDraft
    event: GatewayEvent

    def person(self, role: Role) -> Actor:
        return actor_of(self.members[role])

    def key(self, scope: Scope | None) -> Actor:
        """The key with this scope alone; None: with all."""
        key = self.keys[scope]
        return replace(
            self.person(Role.OWNER), role=None, user_id=None, key_id=key.pk, scopes=frozenset(map(Scope, key.scopes))
        )


@pytest.fixture(scope="module")
def world(django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock():
        yield make_world()


def make_world() -> World:
    benchmark = RunningBenchmark(credit=10_000_000)
    Organization.objects.filter(pk=benchmark.buyer.organization.pk).update(can_provide=True)
    benchmark.buyer.organization.refresh_from_db()
    benchmark.start()
    party, owner = benchmark.buyer, benchmark.buyer.actor
    other = make_listing()
    sold = make_listing(provider=party)
    provider = platform_for(other.model.organization, user_id=party.user.pk)
    proposal = contracts.Proposal(
        subject=f"model:{other.model_id}", label="other/model", unit=Unit.IMAGE, buyer=None, amount=1, review_hours=24
    )
    offer, signed = (contracts.offer(actor=provider, proposal=proposal) for _ in range(2))
    own_proposal = replace(proposal, subject=f"model:{sold.model_id}", label="own/model")
    earn(party.owner, 12_000_000)
    payees.onboard(actor=owner, holder=holder(party), country="US", **URLS)
    return World(
        party=party,
        members={role: member_of(party, role) for role in Role},
        keys={scope: key_of(party, [scope] if scope else list(Scope)) for scope in (None, *Scope)},
        listing=sold,
        unsold=repositories.create_repository(actor=owner, name="unsold"),
        benchmark=benchmark,
        prompt_set=prompt_sets.create_prompt_set(actor=owner, name="Free", prompts=parse_text("a\nb")),
        alias=aliases.create_alias(actor=owner, name="mine", target=slug(other)),
        offered=contracts.offer(actor=owner, proposal=own_proposal),
        offer=offer,
        contract=contracts.sign(actor=owner, offer_id=signed.pk, document_hash=signed.hash),
        prediction=call(party, benchmark.sales[0]),
        upload=files.keep_upload(caller=owner, source=io.BytesIO(picture()), name="a.png", metadata={}),
        draft=drafts.open_draft(actor=owner, name="draft", files=[drafts.Announced("README.md", 1, 1)]),
        event=GatewayEvent.objects.create(
            id=f"evt_{secrets.token_hex(8)}", gateway="stripe", type="x", body="{}", state="failed"
        ),
    )


def member_of(party: Party, role: Role) -> Membership:
    """The founder for the owner; somebody new for every other role."""
    if role is Role.OWNER:
        return Membership.objects.select_related("organization").get(organization=party.organization, user=party.user)
    user = User.objects.create(email=f"{secrets.token_hex(6)}@example.com")
    return Membership.objects.create(organization=party.organization, user=user, role=role)


def key_of(party: Party, scopes: list[Scope], *, by: uuid.UUID | None = None) -> ApiKey:
    return ApiKey.objects.create(
        organization=party.organization,
        name="x",
        prefix="x",
        hash=secrets.token_hex(32),
        scopes=scopes,
        created_by_id=by,
    )


def holder(party: Party) -> AccountHolder:
    return AccountHolder(party.owner, "Acme", party.user.email)


def slug(found: Listing) -> str:
    return f"{found.model.organization.slug}/{found.model.name}"


def stranger() -> str:
    return User.objects.create(email=f"{secrets.token_hex(6)}@example.com").email


Arguments = Callable[[World, Actor], dict[str, Any]]


def about(**arguments: Any) -> Arguments:
    return lambda world, actor: arguments


def benchmarked(**arguments: Any) -> Arguments:
    return lambda world, actor: {"benchmark_id": world.benchmark.id} | arguments


def pending_commit(*, actor: Actor) -> object:
    return committing.PendingCommit(actor)


# Every service that acts for somebody, with arguments that suit the world. What is refused for another reason than who
# acts has passed the check.
SERVICES: list[tuple[Action, Callable[..., Any], Arguments]] = [
    (Action.ADD_MEMBER, members.add_member, lambda w, a: {"email": stranger(), "role": Role.AUDITOR}),
    (Action.MANAGE_OWNERS, members.add_member, lambda w, a: {"email": stranger(), "role": Role.OWNER}),
    (
        Action.CHANGE_ROLE,
        members.change_role,
        lambda w, a: {"membership_id": w.members[Role.AUDITOR].pk, "role": Role.BILLING},
    ),
    (
        Action.MANAGE_OWNERS,
        members.change_role,
        lambda w, a: {"membership_id": w.members[Role.AUDITOR].pk, "role": Role.OWNER},
    ),
    (Action.REMOVE_MEMBER, members.remove_member, lambda w, a: {"membership_id": w.members[Role.AUDITOR].pk}),
    (Action.MANAGE_OWNERS, members.remove_member, lambda w, a: {"membership_id": w.members[Role.OWNER].pk}),
    (Action.CREATE_KEY, api_keys.create_key, about(name="new")),
    (
        Action.REVOKE_KEY,
        api_keys.revoke_key,
        lambda w, a: {"key_id": key_of(w.party, [Scope.READ], by=a.user_id).pk},
    ),
    (Action.REVOKE_KEY_OF_OTHERS, api_keys.revoke_key, lambda w, a: {"key_id": w.keys[None].pk}),
    (Action.RUN, admit.admit, lambda w, a: {"target": w.benchmark.sales[0].target} | ASKED),
    (Action.RUN, admit.prepare, lambda w, a: {"target": w.benchmark.sales[0].target} | ASKED),
    (
        Action.RUN,
        estimates.estimate,
        lambda w, a: {"prompts": list(w.prompt_set.prompts.all()), "models": w.benchmark.names},
    ),
    (Action.CANCEL, cancel.cancel, lambda w, a: {"prediction_id": w.prediction}),
    (
        Action.CANCEL,
        lambda *, actor, prediction: cancel.cancel_parameters(actor, prediction),
        about(prediction=new_id()),
    ),
    (
        Action.UPLOAD,
        files.keep_upload,
        lambda w, a: {"source": io.BytesIO(picture()), "name": "b.png", "metadata": {}},
    ),
    (Action.DELETE_UPLOAD, files.delete_upload, lambda w, a: {"file_id": w.upload.pk}),
    (Action.CREATE_ALIAS, aliases.create_alias, lambda w, a: {"name": "new", "target": slug(w.listing)}),
    (Action.MOVE_ALIAS, aliases.move_alias, lambda w, a: {"name": "mine", "target": slug(w.listing)}),
    (Action.DELETE_ALIAS, aliases.delete_alias, about(name="mine")),
    (
        Action.TOP_UP,
        top_ups.start_top_up,
        lambda w, a: {
            "holder": holder(w.party),
            "amount": 20_000_000,
            "key": secrets.token_hex(8),
            "paid_url": str,
            "canceled_url": str,
        },
    ),
    (
        Action.OFFER_CONTRACT,
        offers.make_offer,
        lambda w, a: {"model": w.listing.model.name, "buyer": "", "amount": 1, "review_hours": 1},
    ),
    (
        Action.OFFER_CONTRACT,
        contracts.offer,
        lambda w, a: {
            "proposal": contracts.Proposal(
                subject="model:x", label="x/y", unit=Unit.IMAGE, buyer=None, amount=1, review_hours=1
            )
        },
    ),
    (Action.WITHDRAW_OFFER, contracts.withdraw, lambda w, a: {"offer_id": w.offered.pk}),
    (Action.SIGN_CONTRACT, contracts.sign, lambda w, a: {"offer_id": w.offer.pk, "document_hash": w.offer.hash}),
    (Action.END_CONTRACT, contracts.end, lambda w, a: {"contract_id": w.contract.pk}),
    (
        Action.REVIEW,
        review.review,
        lambda w, a: {"prediction_id": w.prediction, "position": 0, "verdict": "accepted"},
    ),
    (Action.CREATE_PROMPT_SET, prompt_sets.create_prompt_set, lambda w, a: {"name": "n", "prompts": parse_text("x")}),
    (
        Action.CHANGE_PROMPT_SET,
        prompt_sets.change_prompt_set,
        lambda w, a: {"prompt_set_id": w.prompt_set.pk, "name": "n", "prompts": parse_text("x")},
    ),
    (
        Action.START_BENCHMARK,
        start.start,
        lambda w, a: {
            "benchmark_id": new_id(),
            "name": "n",
            "prompt_set_id": w.prompt_set.pk,
            "models": w.benchmark.names,
            "agreed": 10_000,
        },
    ),
    (Action.RESUME_BENCHMARK, control.resume, benchmarked(agreed=0)),
    (Action.RETRY_BENCHMARK, control.retry, benchmarked()),
    (Action.CANCEL_BENCHMARK, control.cancel, benchmarked()),
    (Action.VOTE, voting.vote, benchmarked(key="x", answer=Answer.LEFT)),
    (Action.VOTE, voting.undo, benchmarked(key="x")),
    (Action.VOTE, voting.reveal, benchmarked()),
    (Action.CREATE_MODEL, repositories.create_repository, about(name="new")),
    (Action.CREATE_MODEL, publishing.repository, about(name="newer")),
    (
        Action.COMMIT,
        commit.commit,
        lambda w, a: {"model": w.unsold, "changes": commit.Changes(), "parent": None, "message": ""},
    ),
    (Action.COMMIT, drafts.open_draft, about(name="d", files=[drafts.Announced("README.md", 1, 1)])),
    (Action.COMMIT, drafts.commit_draft, lambda w, a: {"draft_id": w.draft.pk, "message": ""}),
    (Action.COMMIT, drafts.discard_draft, lambda w, a: {"draft_id": w.draft.pk}),
    (Action.COMMIT, publishing.publish_folder, about(folder=Path("/nowhere"), name="x")),
    (Action.LIST_MODEL, publish.publish, about(folder=Path("/nowhere"), name="x", unit_price=1)),
    (Action.COMMIT, uploads.announce, about(objects=[lfs.Announced(HASH, 1)])),
    (Action.COMMIT, pending_commit, about()),
    (Action.DELETE_MODEL, repositories.delete_repository, lambda w, a: {"model": w.unsold}),
    (Action.SET_PRICE, pricing.price_model, lambda w, a: {"model": w.listing.model, "amount": 5_000}),
    (Action.LIST_MODEL, listing.list_version, lambda w, a: {"version": w.listing.version}),
    (
        Action.LIST_MODEL,
        publish.list_when_passed,
        lambda w, a: {"version": w.listing.version, "unit_price": 4_000},
    ),
    (Action.UNLIST_MODEL, listing.unlist, lambda w, a: {"listing": w.listing}),
    (Action.ONBOARD_PAYEE, payees.onboard, lambda w, a: {"holder": holder(w.party), "country": "US"} | URLS),
    (Action.ONBOARD_PAYEE, payees.onboarding_page, about(**URLS)),
    (Action.REQUEST_PAYOUT, payouts.request_payout, lambda w, a: {"key": secrets.token_hex(8)}),
    (Action.OPERATE_PROVE_LEDGER, proofs.request_proof, lambda w, a: {}),
    (Action.OPERATE_RETRY_EVENT, gateway_events.process_again, lambda w, a: {"id": w.event.pk}),
]
ASKED: dict[str, Any] = {"inputs": {"prompt": "x"}, "origin": Origin.API}

LOOKED_AT_LATER = (publish.publish, offers.make_offer, pending_commit)

# What is only looked at, by the page that shows it.
PAGES = {
    Action.SEE_MEMBERS: "/console/{org}/members",
    Action.SEE_KEYS: "/console/{org}/keys",
    Action.SEE_PREDICTIONS: "/console/{org}/predictions",
    Action.SEE_ALIASES: "/console/{org}/aliases",
    Action.SEE_BALANCE: "/console/{org}/balance",
    Action.SEE_STATEMENTS: "/console/{org}/balance/{transaction}",
    Action.SEE_CONTRACTS: "/console/{org}/contracts",
    Action.SEE_BENCHMARKS: "/console/{org}/benchmarks",
    Action.SEE_MODELS: "/provider/{org}/models",
    Action.SEE_EARNINGS: "/provider/{org}/earnings",
    Action.SEE_PAYOUTS: "/provider/{org}/payouts",
    Action.OPERATE_SEE_HEALTH: "/operator/",
    Action.OPERATE_SEE_LEDGER: "/operator/ledger",
    Action.OPERATE_SEE_PAYMENTS: "/operator/payments",
    Action.OPERATE_SEE_INBOX: "/operator/inbox",
    Action.OPERATE_SEE_ORGANIZATIONS: "/operator/organizations",
    Action.OPERATE_SEE_PEOPLE: "/operator/people",
    Action.OPERATE_SEE_MODELS: "/operator/models",
    Action.OPERATE_SEE_CALLS: "/operator/calls",
}


def attempt(world: World, actor: Actor, service: Callable[..., Any], arguments: Arguments) -> Problem | None:
    """Call a service, and undo it. Why it was refused; an actor who may not must have written nothing before."""
    name = "caller" if "caller" in inspect.signature(service).parameters else "actor"
    with transaction.atomic():
        given = arguments(world, actor)
        before = written()
        try:
            with transaction.atomic():
                service(**{name: actor}, **given)
            return None
        except (Forbidden, NotAuthenticated) as refused:
            assert written() == before, "an actor who may not has changed something"
            return refused
        except Problem as refused:
            return refused
        finally:
            transaction.set_rollback(True)


def written() -> int:
    """How many rows this transaction has inserted, changed or deleted, even where that was undone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0] or 0)


def named(case: tuple[Action, Callable[..., Any], Arguments]) -> str:
    return f"{case[0]}-{case[1].__name__}"


MEMBERS_ACTIONS = [case for case in SERVICES if TABLE[case[0]]]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("case", MEMBERS_ACTIONS, ids=named)
def test_each_role_may_do_what_the_table_says_and_nothing_else(
    world: World, case: tuple[Action, Callable[..., Any], Arguments], role: Role
):
    action, service, arguments = case
    refused = attempt(world, world.person(role), service, arguments)
    if also := {Action.LIST_MODEL: Action.SET_PRICE}.get(action):
        assert set(TABLE[action].split()) <= set(TABLE[also].split())
    if role in TABLE[action].split():
        assert not isinstance(refused, Forbidden), refused
    else:
        assert isinstance(refused, Forbidden)
        assert re.fullmatch(r"To .+ you need the role .+; ask a member who has it\.", refused.detail)


@pytest.mark.parametrize("case", MEMBERS_ACTIONS, ids=named)
def test_each_key_may_do_what_its_scopes_cover(world: World, case: tuple[Action, Callable[..., Any], Arguments]):
    action, service, arguments = case
    wanted = SCOPES.get(action)
    for scope in (None, *Scope):
        refused = attempt(world, world.key(scope), service, arguments)
        may = wanted is not None and scope in (None, wanted) and service is not drafts.open_draft  # people's own
        assert isinstance(refused, Forbidden) is not may, (scope, refused)


@pytest.mark.parametrize("case", MEMBERS_ACTIONS, ids=named)
def test_whoever_was_removed_or_whose_key_was_revoked_does_nothing(
    world: World, case: tuple[Action, Callable[..., Any], Arguments]
):
    """Calls of models go by the request's own look at the key and the member, a moment before, and so does what only
    leads to one that looks again.
    """
    action, service, arguments = case
    if action in (Action.RUN, Action.CANCEL, Action.UPLOAD, Action.DELETE_UPLOAD) or service in LOOKED_AT_LATER:
        return
    removed = replace(world.person(Role.OWNER), user_id=User.objects.create(email=stranger() + ".x").pk)
    revoked = replace(world.key(None), key_id=new_id())
    assert isinstance(attempt(world, removed, service, arguments), Forbidden)
    assert isinstance(attempt(world, revoked, service, arguments), Forbidden | NotAuthenticated)


@pytest.mark.parametrize("action", [action for action in PAGES if TABLE[action]])
def test_each_role_sees_what_the_table_says(world: World, action: Action):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.transaction_id FROM billing_entry e JOIN billing_account a ON a.id = e.account_id"
            " WHERE a.owner = %s AND a.kind = 'buyer_prepaid' LIMIT 1",
            [world.party.owner],
        )
        page = PAGES[action].format(org=world.party.organization.slug, transaction=cursor.fetchone()[0])
    for role in Role:
        client = Client()
        client.force_login(world.members[role].user)
        answer = client.get(page)
        assert answer.status_code == (200 if role in TABLE[action].split() else 403), role
        if answer.status_code == 403:
            assert "you need the role" in answer.content.decode()


@pytest.mark.parametrize("action", [action for action in Action if not TABLE[action]])
def test_only_operators_operate(world: World, action: Action):
    operator = make_operator()
    members_and_keys = [world.person(Role.OWNER), world.key(None)]
    for actor in members_and_keys:
        assert not policy.allows(actor, action)
        with pytest.raises(NotFound):
            policy.check(actor, action)
    if page := PAGES.get(action):
        for user, status in ((User.objects.get(pk=operator.user_id), 200), (world.party.user, 404)):
            client = Client()
            client.force_login(user)
            assert client.get(page).status_code == status
    for _, service, arguments in [case for case in SERVICES if case[0] is action]:
        assert attempt(world, operator, service, arguments) is None
        for actor in (*members_and_keys, replace(operator, user_id=world.party.user.pk)):
            assert isinstance(attempt(world, actor, service, arguments), NotFound)


def test_operators_do_nothing_for_organisations(world: World):
    operator = make_operator()
    for action, service, arguments in MEMBERS_ACTIONS:
        assert isinstance(attempt(world, operator, service, arguments), Problem), action
    assert not any(policy.allows(operator, action) for action in Action if TABLE[action])


def test_an_operators_deed_is_written_down_without_an_organisation(world: World):
    operator = make_operator()
    with transaction.atomic():
        gateway_events.process_again(actor=operator, id=world.event.pk)
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.actor_id, event.organization_id) == (
            "gateway_event.retried",
            operator.user_id,
            None,
        )
        transaction.set_rollback(True)
    assert operator_of(User.objects.get(pk=operator.user_id)).organization_id == INSTALLATION


def test_a_keys_deed_names_the_key(world: World):
    key = world.key(None)
    with transaction.atomic():
        aliases.delete_alias(actor=key, name="mine")
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.api_key_id, event.actor_id) == ("alias.deleted", key.key_id, None)
        assert event.organization_id == world.party.organization.pk
        transaction.set_rollback(True)


def test_things_of_others_are_not_found_whatever_the_role(world: World):
    others = make_listing()
    actor = world.person(Role.AUDITOR)
    for refuse in (
        lambda: pricing.price_model(actor=actor, model=others.model, amount=1),
        lambda: listing.list_version(actor=actor, version=others.version),
        lambda: listing.unlist(actor=actor, listing=others),
        lambda: repositories.delete_repository(actor=actor, model=others.model),
        lambda: publish.list_when_passed(actor=actor, version=others.version, unit_price=1),
        lambda: commit.commit(actor=actor, model=others.model, changes=commit.Changes(), parent=None, message=""),
    ):
        with pytest.raises(NotFound):
            refuse()


def test_the_table_covers_every_action():
    assert set(RULES) == set(TABLE) == set(Action)
    assert {case[0] for case in SERVICES} | set(PAGES) == set(Action), "an action that nothing tries"
    assert {action: rule.scope for action, rule in RULES.items() if rule.scope} == SCOPES


def test_every_service_that_acts_for_somebody_is_tried():
    tried = {case[1] for case in SERVICES}
    forgotten = [
        f"{module.__name__}.{name}"
        for module in service_modules()
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and "Actor" in map(annotation, inspect.signature(function).parameters.values())
        and function not in tried
    ]
    # These only read, or pass the actor on to one that is tried.
    reading = {
        "inference.services.files.known_files",
        "inference.services.files.take_files",
        "inference.services.cancel.cancel_parameters",
    }
    reading |= {"marketplace.catalog.services.resolution.under_contract", "marketplace.accounts.services.audit.record"}
    assert set(forgotten) <= reading


def test_no_service_is_told_who_acts_in_another_way():
    """Who acts is an `Actor`, which has been looked up, and never a bare person, membership or key."""
    told = {
        f"{module.__name__}.{name}"
        for module in service_modules()
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
        for parameter in inspect.signature(function).parameters.values()
        if re.search(r"\b(User|Membership)\b", annotation(parameter)) or parameter.name in ("can_buy", "user_id")
    }
    assert told == {"marketplace.accounts.services.organizations.create_organization"}, "every person may create one"


def annotation(parameter: inspect.Parameter) -> str:
    given = parameter.annotation
    return given if isinstance(given, str) else getattr(given, "__name__", str(given))


def service_modules() -> Iterator[ModuleType]:
    packages = ["providers.services", "providers.hub", "inference.services"]
    packages += [f"billing.{part}.services" for part in ("ledger", "pricing", "outcomes", "payments")]
    packages += [f"marketplace.{app}.services" for app in ("accounts", "catalog", "benchmarks")]
    for package in packages:
        path = importlib.import_module(package).__path__
        for found in pkgutil.iter_modules(path, f"{package}."):
            yield importlib.import_module(found.name)


def test_templates_ask_for_actions_that_there_are():
    """A misspelt one would be false to Django, and hide what it guards from everybody."""
    asked = {
        name
        for file in (Path(__file__).parents[3] / "templates").rglob("*.html")
        for name in re.findall(r"\b(?:who_)?may\.(\w+)", file.read_text(encoding="utf-8"))
    }
    assert {"set_price", "top_up", "add_member"} <= asked <= {action.value for action in Action}


def test_a_key_may_nothing_that_its_maker_may_not():
    for role in Role:
        scopes = policy.scopes_for(role)
        allowed = {action for action, rule in RULES.items() if rule.scope in scopes}
        assert all(role in RULES[action].roles for action in allowed)
    assert policy.scopes_for(Role.OWNER) == policy.scopes_for(None) == frozenset(Scope)
    assert Scope.DELETE not in policy.scopes_for(Role.DEVELOPER)


def test_role_names_of_the_release_before_are_understood():
    assert Role("member") is Role.DEVELOPER
    with pytest.raises(ValueError, match="stranger"):
        Role("stranger")


def test_a_check_in_no_transaction_is_a_mistake(world: World):
    with pytest.raises(RuntimeError, match="in the transaction of the change"):
        policy.require(world.person(Role.OWNER), Action.SET_PRICE)
