"""Permissions: the one table of actions, by role and by scope of API keys.

`check` uses the actor as read at the start of the request, without a query: pages and calls of models use it (admission
checks in the database whether a key is still valid). `require` reads role, scopes and operators again in the
transaction of the change: every service that changes something else calls it, so that a role removed meanwhile no
longer counts.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db import connection

from marketplace.accounts.domain import Actor, Role, Scope
from marketplace.accounts.models import ApiKey, Membership, User
from marketplace.core.problems import Forbidden, NotAuthenticated, NotFound


class Action(StrEnum):
    """All restricted actions: changes, and reads that need a permission."""

    # The organisation
    SEE_MEMBERS = "see_members"
    ADD_MEMBER = "add_member"
    CHANGE_ROLE = "change_role"
    REMOVE_MEMBER = "remove_member"
    MANAGE_OWNERS = "manage_owners"
    SEE_KEYS = "see_keys"
    CREATE_KEY = "create_key"
    REVOKE_KEY = "revoke_key"
    REVOKE_KEY_OF_OTHERS = "revoke_key_of_others"
    # Calls of models
    RUN = "run"
    CANCEL = "cancel"
    UPLOAD = "upload"
    DELETE_UPLOAD = "delete_upload"
    SEE_PREDICTIONS = "see_predictions"
    SEE_ALIASES = "see_aliases"
    CREATE_ALIAS = "create_alias"
    MOVE_ALIAS = "move_alias"
    DELETE_ALIAS = "delete_alias"
    # The buyer's money
    SEE_BALANCE = "see_balance"
    SEE_STATEMENTS = "see_statements"
    TOP_UP = "top_up"
    # Outcome contracts, of either side
    SEE_CONTRACTS = "see_contracts"
    OFFER_CONTRACT = "offer_contract"
    WITHDRAW_OFFER = "withdraw_offer"
    SIGN_CONTRACT = "sign_contract"
    END_CONTRACT = "end_contract"
    REVIEW = "review"
    # Benchmarks
    SEE_BENCHMARKS = "see_benchmarks"
    CREATE_PROMPT_SET = "create_prompt_set"
    CHANGE_PROMPT_SET = "change_prompt_set"
    START_BENCHMARK = "start_benchmark"
    RESUME_BENCHMARK = "resume_benchmark"
    RETRY_BENCHMARK = "retry_benchmark"
    CANCEL_BENCHMARK = "cancel_benchmark"
    VOTE = "vote"
    # Models of a provider
    SEE_MODELS = "see_models"
    CREATE_MODEL = "create_model"
    COMMIT = "commit"
    DELETE_MODEL = "delete_model"
    SET_PRICE = "set_price"
    LIST_MODEL = "list_model"
    UNLIST_MODEL = "unlist_model"
    # The provider's money
    SEE_EARNINGS = "see_earnings"
    SEE_PAYOUTS = "see_payouts"
    ONBOARD_PAYEE = "onboard_payee"
    REQUEST_PAYOUT = "request_payout"
    # The installation
    OPERATE_SEE_HEALTH = "operate_see_health"
    OPERATE_SEE_LEDGER = "operate_see_ledger"
    OPERATE_PROVE_LEDGER = "operate_prove_ledger"
    OPERATE_SEE_PAYMENTS = "operate_see_payments"
    OPERATE_SEE_INBOX = "operate_see_inbox"
    OPERATE_SEE_ORGANIZATIONS = "operate_see_organizations"
    OPERATE_SEE_PEOPLE = "operate_see_people"
    OPERATE_SEE_MODELS = "operate_see_models"
    OPERATE_SEE_CALLS = "operate_see_calls"
    OPERATE_RETRY_EVENT = "operate_retry_event"


class Side(StrEnum):
    """A side of the market that an organisation must be on for an action."""

    BUY = "buy"
    PROVIDE = "provide"


@dataclass(frozen=True)
class Rule:
    """The permissions of one action.

    Attributes:
        what: the action, as a text that follows "to".
        roles: roles of members who may do it; empty: operators of the installation only.
        scope: the scope that an API key needs; None: not allowed with a key.
        side: the side of the market that the organisation must be on.
    """

    what: str
    roles: frozenset[Role]
    scope: Scope | None = None
    side: Side | None = None


# A short description of each role, for the members' page.
ROLES = {
    Role.OWNER: "everything",
    Role.ADMIN: "everything but who the owners are",
    Role.DEVELOPER: "runs models, publishes, benchmarks; no money, no members",
    Role.REVIEWER: "gives verdicts and votes",
    Role.BILLING: "balance, prices, contracts and payouts",
    Role.AUDITOR: "sees everything, changes nothing",
}

ALL = frozenset(Role)
OWNERS = frozenset({Role.OWNER})
ADMINS = OWNERS | {Role.ADMIN}
MONEY = ADMINS | {Role.BILLING}
BUILDERS = ADMINS | {Role.DEVELOPER}
JUDGES = ADMINS | {Role.REVIEWER}
SEES = frozenset({Role.AUDITOR})  # sees all and changes nothing
OPERATORS: frozenset[Role] = frozenset()

RULES = {
    Action.SEE_MEMBERS: Rule("see the members", ALL),
    Action.ADD_MEMBER: Rule("add members", ADMINS),
    Action.CHANGE_ROLE: Rule("change roles", ADMINS),
    Action.REMOVE_MEMBER: Rule("remove members", ADMINS),
    Action.MANAGE_OWNERS: Rule("add, change or remove owners", OWNERS),
    Action.SEE_KEYS: Rule("see the API keys", BUILDERS | SEES),
    Action.CREATE_KEY: Rule("make API keys", BUILDERS),
    Action.REVOKE_KEY: Rule("revoke API keys", BUILDERS),
    Action.REVOKE_KEY_OF_OTHERS: Rule("revoke API keys that others made", ADMINS),
    Action.RUN: Rule("run models", BUILDERS, Scope.RUN, Side.BUY),
    Action.CANCEL: Rule("cancel predictions", BUILDERS, Scope.RUN),
    Action.UPLOAD: Rule("upload files", BUILDERS, Scope.RUN, Side.BUY),
    Action.DELETE_UPLOAD: Rule("delete uploads", BUILDERS, Scope.RUN),
    Action.SEE_PREDICTIONS: Rule("see predictions", BUILDERS | JUDGES | SEES, Scope.READ),
    Action.SEE_ALIASES: Rule("see aliases", BUILDERS | SEES, Scope.READ),
    Action.CREATE_ALIAS: Rule("make aliases", BUILDERS, Scope.ALIASES),
    Action.MOVE_ALIAS: Rule("move aliases", BUILDERS, Scope.ALIASES),
    Action.DELETE_ALIAS: Rule("delete aliases", BUILDERS, Scope.ALIASES),
    Action.SEE_BALANCE: Rule("see the balance", MONEY | BUILDERS | SEES, Scope.READ),
    Action.SEE_STATEMENTS: Rule("see statements", MONEY | SEES),
    Action.TOP_UP: Rule("top up the balance", MONEY),
    Action.SEE_CONTRACTS: Rule("see contracts", ALL),
    Action.OFFER_CONTRACT: Rule("offer contracts", MONEY),
    Action.WITHDRAW_OFFER: Rule("withdraw offers", MONEY),
    Action.SIGN_CONTRACT: Rule("sign contracts", MONEY, side=Side.BUY),
    Action.END_CONTRACT: Rule("end contracts", MONEY),
    Action.REVIEW: Rule("give verdicts", JUDGES, Scope.REVIEW),
    Action.SEE_BENCHMARKS: Rule("see benchmarks", BUILDERS | JUDGES | SEES),
    Action.CREATE_PROMPT_SET: Rule("make prompt sets", BUILDERS),
    Action.CHANGE_PROMPT_SET: Rule("change prompt sets", BUILDERS),
    Action.START_BENCHMARK: Rule("start benchmarks", BUILDERS),
    Action.RESUME_BENCHMARK: Rule("resume benchmarks", BUILDERS),
    Action.RETRY_BENCHMARK: Rule("retry what failed in benchmarks", BUILDERS),
    Action.CANCEL_BENCHMARK: Rule("cancel benchmarks", BUILDERS),
    Action.VOTE: Rule("vote in benchmarks", BUILDERS | JUDGES),
    Action.SEE_MODELS: Rule("see what the organisation publishes", BUILDERS | MONEY | SEES, Scope.READ),
    Action.CREATE_MODEL: Rule("create models", BUILDERS, Scope.PUBLISH, Side.PROVIDE),
    Action.COMMIT: Rule("publish versions", BUILDERS, Scope.PUBLISH, Side.PROVIDE),
    Action.DELETE_MODEL: Rule("delete models", ADMINS, Scope.DELETE),
    Action.SET_PRICE: Rule("set prices", MONEY),
    Action.LIST_MODEL: Rule("put models on sale", ADMINS),
    Action.UNLIST_MODEL: Rule("take models off sale", ADMINS),
    Action.SEE_EARNINGS: Rule("see earnings", MONEY | SEES),
    Action.SEE_PAYOUTS: Rule("see payouts", MONEY | SEES),
    Action.ONBOARD_PAYEE: Rule("set payouts up", MONEY),
    Action.REQUEST_PAYOUT: Rule("ask for payouts", MONEY),
    Action.OPERATE_SEE_HEALTH: Rule("see the market's health", OPERATORS),
    Action.OPERATE_SEE_LEDGER: Rule("see the trial balance", OPERATORS),
    Action.OPERATE_PROVE_LEDGER: Rule("have the ledger proven", OPERATORS),
    Action.OPERATE_SEE_PAYMENTS: Rule("see what the gateway said", OPERATORS),
    Action.OPERATE_SEE_INBOX: Rule("see what mail went out", OPERATORS),
    Action.OPERATE_SEE_ORGANIZATIONS: Rule("see all organisations", OPERATORS),
    Action.OPERATE_SEE_PEOPLE: Rule("see all people", OPERATORS),
    Action.OPERATE_SEE_MODELS: Rule("see all models", OPERATORS),
    Action.OPERATE_SEE_CALLS: Rule("see all calls, without what they were given and made", OPERATORS),
    Action.OPERATE_RETRY_EVENT: Rule("process an event of the gateway again", OPERATORS),
}


def allows(actor: Actor, action: Action) -> bool:
    """Whether the actor's role or scopes cover the action. The side of the market is not checked."""
    rule = RULES[action]
    if not rule.roles:
        return actor.is_operator
    if actor.role is not None:
        return actor.role in rule.roles
    return actor.is_platform or rule.scope in actor.scopes


def check(actor: Actor, action: Action, *, of: uuid.UUID | None = None) -> None:
    """Raise unless the actor, as read at the start of the request, may do this.

    Args:
        of: the organisation that owns the object, if the object was not looked up among the actor's own.

    Raises:
        NotFound: the object is another organisation's, or the action is an operator's and the actor is not one.
        Forbidden: the role or the key's scopes do not cover it, or the organisation is not on that side of the market.
    """
    rule = RULES[action]
    if (not rule.roles and not actor.is_operator) or of not in (None, actor.organization_id):
        raise NotFound("There is no such thing, or not for you")
    if not allows(actor, action):
        raise Forbidden(who_may(action) if actor.role is not None else _not_by_key(rule))
    _check_side(actor, rule)


def require(actor: Actor, action: Action, *, of: uuid.UUID | None = None) -> Actor:
    """As `check`, but with the current role, scopes and operators; call it in the transaction of the change.

    A service that waits for a lock calls this after taking the lock.

    Returns:
        the actor with the current values.

    Raises:
        NotFound, Forbidden: as `check`; Forbidden also for a person who is no longer a member.
        NotAuthenticated: the key was revoked.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{action!r} is to be checked in the transaction of the change")
    now = _as_of_now(actor)
    check(now, action, of=of)
    return now


def who_may(action: Action) -> str:
    """A sentence for people whose role does not cover the action: which role they need."""
    rule = RULES[action]
    names = [role.value for role in Role if role in rule.roles]
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"To {rule.what} you need the role {listed}; ask a member who has it."


def scopes_for(role: Role | None) -> frozenset[Scope]:
    """The scopes of a key that a member with this role creates: never more than the member may do."""
    return frozenset(scope for scope in Scope if role is None or _covers(role, _actions_of(scope)))


def _actions_of(scope: Scope) -> Iterable[Action]:
    return (action for action, rule in RULES.items() if rule.scope is scope)


def _covers(role: Role, actions: Iterable[Action]) -> bool:
    return all(role in RULES[action].roles for action in actions)


def _not_by_key(rule: Rule) -> str:
    if rule.scope is None:
        return f"API keys cannot be used to {rule.what}; a member does that in the browser."
    return f"To {rule.what} an API key needs the scope {rule.scope.value}; use one that an owner or admin made."


def _check_side(actor: Actor, rule: Rule) -> None:
    if rule.side is Side.BUY and not actor.can_buy:
        raise Forbidden(f'"{actor.organization_slug}" does not buy; switch its buyer side on first')
    if rule.side is Side.PROVIDE and not actor.can_provide:
        raise Forbidden(f'"{actor.organization_slug}" does not provide models; switch its provider side on first')


def _as_of_now(actor: Actor) -> Actor:
    if actor.is_platform:
        return actor
    if actor.is_operator:
        operators = User.objects.filter(pk=actor.person, is_operator=True, is_active=True)
        return replace(actor, is_operator=operators.exists())
    if actor.key_id is not None:
        keys = ApiKey.objects.filter(pk=actor.key_id, organization=actor.organization_id, revoked_at=None)
        return replace(actor, scopes=_scopes_now(keys.values_list("scopes", flat=True).first()))
    role = Membership.objects.filter(organization=actor.organization_id, user=actor.user_id)
    return replace(actor, role=_role_now(role.values_list("role", flat=True).first()))


def _scopes_now(scopes: list[str] | None) -> frozenset[Scope]:
    if scopes is None:
        raise NotAuthenticated("This API key was revoked; make a new one under API keys in the console.")
    return frozenset(map(Scope, scopes))


def _role_now(role: str | None) -> Role:
    if role is None:
        raise Forbidden("You are no member of this organisation any more")
    return Role(role)
