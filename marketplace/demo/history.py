"""The demo market's predictions and reviews, made by running its models; the public pages show them too."""

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

from django.db import transaction

from billing.outcomes.domain import Verdict
from billing.outcomes.selectors import contracts_for_buyer
from billing.outcomes.services.contracts import sign
from inference.domain.lifecycle import Origin
from inference.selectors import prediction_for_buyer, predictions_by_prompt
from inference.services.admit import CallTarget, admit
from inference.services.review import review
from inference.tasks import roll_up
from marketplace.accounts.domain import Actor
from marketplace.accounts.selectors import actor_of, membership_by_email
from marketplace.catalog.domain import Reference
from marketplace.catalog.selectors import alias_named
from marketplace.catalog.services.aliases import create_alias
from marketplace.catalog.services.contracts import make_offer
from marketplace.catalog.services.resolution import resolve, under_contract
from marketplace.core.problems import Conflict, NotFound
from marketplace.demo.market import (
    ACCEPTED_PRICE,
    ALIAS,
    BUYER,
    CONTRACT_CALLS,
    HERO,
    MAX_UNREVIEWED,
    MODELS,
    PROMPTS,
    PROVIDER,
    REVIEW_HOURS,
    Party,
)
from providers.domain import VersionState
from providers.selectors import head_of, model_named

MAX_WAIT_SECONDS = 600.0


def make_history(report: Callable[[str], None]) -> None:
    """Run each prompt once on each model, as the demo buyer, unless that was done before.

    Raises:
        TimeoutError: the models were not on sale, or the pictures not made, within `MAX_WAIT_SECONDS`.
        Conflict: a model failed its checks.
    """
    caller = _owner(BUYER)
    admitted: list[uuid.UUID] = []
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    for model in MODELS:
        target = _wait_until_listed(Reference(model.provider.slug, model.name), deadline, report)
        done = predictions_by_prompt(caller.organization_id, origin=Origin.DEMO, model_id=target.model_id)
        for seed, prompt in enumerate(PROMPTS, start=1):
            if prompt not in done:
                inputs = {"prompt": prompt, "seed": seed}
                admitted.append(admit(caller=caller, target=target, inputs=inputs, origin=Origin.DEMO))
    _wait_for_all(caller, admitted, report)
    _create_alias(caller)
    _sign_contract()
    _run_under_contract(caller, report)
    roll_up()  # the platform worker would within a minute


def _owner(party: Party) -> Actor:
    """The person of a demo organisation."""
    return actor_of(membership_by_email(party.email, party.slug))


def _create_alias(buyer: Actor) -> None:
    """Create the buyer's alias for the hero, unless it exists; an alias that was moved is not changed."""
    if alias_named(buyer.organization_slug, ALIAS, buyer.organization_id) is None:
        create_alias(actor=buyer, name=ALIAS, target=HERO.full_name)


@transaction.atomic
def _sign_contract() -> None:
    """Make an offer of the hero's provider to the buyer and sign it for both, unless a contract exists."""
    provider, buyer = _owner(PROVIDER), _owner(BUYER)
    if contracts_for_buyer(buyer.party).exists():
        return
    offer = make_offer(
        actor=provider,
        model=HERO.name,
        buyer=BUYER.slug,
        amount=ACCEPTED_PRICE,
        review_hours=REVIEW_HOURS,
        most_unreviewed=MAX_UNREVIEWED,
        note="For the icons of the spring catalogue.",
    )
    sign(actor=buyer, offer_id=offer.pk, document_hash=offer.hash)


def _run_under_contract(caller: Actor, report: Callable[[str], None]) -> None:
    """Make calls under the buyer's contract and review some of their images, unless that was done before."""
    contract = contracts_for_buyer(caller.party).filter(ended_at=None).first()
    if contract is None:
        return
    owner, _, name = contract.offer.label.partition("/")
    target = under_contract(resolve(Reference(owner, name)), contract.pk, caller)
    made = predictions_by_prompt(caller.organization_id, origin=Origin.DEMO, contract_id=contract.pk)
    admitted = []
    for seed, call in enumerate(CONTRACT_CALLS, start=101):
        if call.prompt not in made:
            inputs = {"prompt": call.prompt, "seed": seed, "num_outputs": call.images}
            made[call.prompt] = admit(caller=caller, target=target, inputs=inputs, origin=Origin.DEMO)
            admitted.append(made[call.prompt])
    _wait_for_all(caller, admitted, report)
    for call in CONTRACT_CALLS:
        for position, given in enumerate(call.verdicts):
            verdict, reason = (Verdict.ACCEPTED, "") if given is True else (Verdict.REJECTED, str(given))
            with suppress(Conflict):  # a person reviewed it after an earlier run was interrupted here
                review(
                    caller=caller, prediction_id=made[call.prompt], position=position, verdict=verdict, reason=reason
                )


def _wait_for_all(caller: Actor, admitted: Sequence[uuid.UUID], report: Callable[[str], None]) -> None:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    for count, prediction in enumerate(admitted, start=1):
        while not prediction_for_buyer(caller.organization_id, prediction).status.is_final:
            if time.monotonic() > deadline:
                raise TimeoutError("The demo's history is not complete: is a node running?")
            time.sleep(0.2)
        if count % 6 == 0 or count == len(admitted):
            report(f"{count} of {len(admitted)} pictures of the demo's history are made")


def _wait_until_listed(reference: Reference, deadline: float, report: Callable[[str], None]) -> CallTarget:
    """Wait until the model has passed its checks and is on sale, and resolve it."""
    reported = False
    while True:
        try:
            return resolve(reference)
        except NotFound:
            model = model_named(reference.owner, reference.name)
            head = head_of(model) if model is not None else None
            if head is not None and head.state == VersionState.REFUSED:
                raise Conflict(
                    f"{reference.owner}/{reference.name} was refused; its provider's page says why"
                ) from None
            if time.monotonic() > deadline:
                raise TimeoutError(f"{reference.owner}/{reference.name} is not on sale: is a node running?") from None
        if not reported:
            report(f"{reference.owner}/{reference.name} is being checked by a node")
            reported = True
        time.sleep(0.5)
