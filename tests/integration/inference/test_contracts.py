"""Calls under outcome contracts, from the offer to the verdict, over predictions that the test itself runs."""

import pytest

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.outcomes.domain import OutcomeState, Verdict
from billing.outcomes.models import Outcome, OutcomeContract, OutcomeOffer
from billing.outcomes.selectors import contract_terms
from billing.outcomes.services import contracts
from billing.outcomes.services.contracts import Proposal
from billing.outcomes.services.verdicts import NothingToReview, VerdictStands
from billing.pricing.domain import Unit, platform_fee
from inference.domain.conditions import Conditions
from inference.domain.lifecycle import Origin, Status
from inference.models import Review
from inference.selectors import prediction_for_buyer, predictions_under_review, reviews_of
from inference.services.admit import AbovePrice, ContractClosed, admit
from inference.services.cancel import cancel
from inference.services.receipts import receipt_of
from inference.services.review import NotUnderContract, review
from inference.worker.claims import Ended, complete
from marketplace.accounts.models import AuditEvent, Membership, Organization
from marketplace.accounts.selectors import actor_of
from marketplace.core.problems import Conflict, Forbidden, Invalid, NotFound, PaymentRequired
from tests.support.inference_market import (
    CREDIT,
    ListedModel,
    balance_of_buyer,
    call,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
    row,
    succeeded,
)
from tests.support.ledger import assert_ledger_consistent
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")

PRICE = 6_000
ACCEPT, REJECT = Verdict.ACCEPTED, Verdict.REJECTED


def membership(organization_id: object) -> Membership:
    return Membership.objects.select_related("organization", "user").get(organization=organization_id, role="owner")


def offer_to(buyer: Party | None, sale: ListedModel, **terms: object) -> OutcomeOffer:
    given = {"amount": PRICE, "review_hours": 24} | terms
    supersedes = given.pop("supersedes", None)
    proposal = Proposal(
        subject=sale.target.terms.sku,
        label=sale.target.model,
        unit=Unit.IMAGE,
        buyer=buyer.organization if buyer else None,
        **given,  # type: ignore[arg-type]
    )
    return contracts.offer(actor=actor_of(membership(sale.provider)), proposal=proposal, supersedes=supersedes)  # type: ignore[arg-type]


def sign(buyer: Party, offer: OutcomeOffer) -> OutcomeContract:
    return contracts.sign(
        actor=actor_of(membership(buyer.organization.pk)), offer_id=offer.pk, document_hash=offer.hash
    )


def run(buyer: Party, sale: ListedModel, contract: OutcomeContract, **inputs: object):  # type: ignore[no-untyped-def]
    """A prediction under the contract, waiting for a node."""
    target = sale.target.under(contract_terms(contract.pk, buyer.owner))
    return admit(caller=buyer.actor, target=target, inputs={"prompt": "x"} | inputs, origin=Origin.API)


@pytest.fixture
def case():  # type: ignore[no-untyped-def]
    buyer, sale = make_buyer(), make_priced_model()
    return buyer, sale, sign(buyer, offer_to(buyer, sale))


def test_a_call_is_paid_when_its_pictures_are_accepted(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    id_ = run(buyer, sale, contract, num_outputs=3)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 3 * PRICE)
    (claimed,) = claim_all(sale, make_node())
    # The node settles at the price it knows; under a contract that is not what is charged.
    assert [ended for ended, _ in complete([succeeded(claimed)])] == [id_]
    view = prediction_for_buyer(buyer.organization.pk, id_)
    assert (view.status, view.outcome, view.delivered) == (Status.SUCCEEDED, OutcomeState.OBSERVING, 3)
    assert (view.amount_charged or 0, balance_of_buyer(buyer).held) == (0, 3 * PRICE)
    waiting = receipt_of(view)["payload"]
    assert (waiting["charged"], waiting["held"], waiting["contract"]["outcome"]) == (
        "0.000000",
        "0.018000",
        "observing",
    )
    assert waiting["contract"]["hash"] == contract.offer.hash
    assert waiting["not_billed"].startswith("under review until ")
    assert [one.id for one in predictions_under_review(buyer.organization.pk, contract.pk, limit=9)] == [id_]

    review(caller=buyer.actor, prediction_id=id_, position=2, verdict=ACCEPT)
    review(caller=buyer.actor, prediction_id=id_, position=0, verdict=REJECT, reason=" too pale ")
    done = review(caller=buyer.actor, prediction_id=id_, position=1, verdict=ACCEPT)
    assert (done.is_new, done.state) == (True, OutcomeState.SETTLED)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - 2 * PRICE, 0)
    assert sale.earned == 2 * PRICE - platform_fee(2 * PRICE, fee_bps=1_000)
    settled = receipt_of(prediction_for_buyer(buyer.organization.pk, id_))["payload"]
    assert (settled["charged"], settled["not_billed"]) == ("0.012000", None)
    assert settled["contract"] | {"review_until": None} == waiting["contract"] | {
        "outcome": "settled",
        "accepted": 2,
        "rejected": 1,
        "review_until": None,
    }
    given = reviews_of([id_])[id_]
    assert [(one.position, one.verdict, one.reason) for one in given.values()] == [
        (0, "rejected", "too pale"),
        (1, "accepted", ""),
        (2, "accepted", ""),
    ]
    assert {one.user_id for one in given.values()} == {buyer.user.pk}
    assert predictions_under_review(buyer.organization.pk, contract.pk, limit=9) == []
    assert_ledger_consistent()


def test_failed_and_canceled_calls_release_the_hold_with_a_reason(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    canceled = run(buyer, sale, contract)
    cancel(actor=buyer.actor, prediction_id=canceled)
    failed = run(buyer, sale, contract)
    (claimed,) = claim_all(sale, make_node())
    complete([Ended(failed, claimed.attempt, Status.FAILED, error="no", not_billed_reason="failed: free")])
    for id_ in (canceled, failed):
        view = prediction_for_buyer(buyer.organization.pk, id_)
        assert (view.outcome, view.amount_charged) == (OutcomeState.VOIDED, 0)
        assert receipt_of(view)["payload"]["not_billed"].startswith(view.status)
        with pytest.raises(NothingToReview):
            review(caller=buyer.actor, prediction_id=id_, position=0, verdict=ACCEPT)
    assert balance_of_buyer(buyer).held == 0


def test_calls_with_and_without_contract_end_in_one_batch(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    under, plain = run(buyer, sale, contract), call(buyer, sale)
    lost = run(buyer, sale, contract)
    claimed = {one.id: one for one in claim_all(sale, make_node())}
    failed = Ended(lost, claimed[lost].attempt, Status.FAILED, error="no", not_billed_reason="failed: free")
    complete([succeeded(claimed[under]), succeeded(claimed[plain]), failed])
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - 4_000, PRICE)
    assert [row(id_).amount_charged for id_ in (under, plain, lost)] == [0, 4_000, 0]
    assert [row(id_).not_billed_reason for id_ in (under, plain, lost)] == ["", "", "failed: free"]
    assert_ledger_consistent()


def test_a_repeated_result_is_delivered_once(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    id_ = run(buyer, sale, contract)
    (claimed,) = claim_all(sale, make_node())
    complete([succeeded(claimed)])
    until = Outcome.objects.get(pk=id_).review_until
    assert complete([succeeded(claimed)]) == []
    assert Outcome.objects.get(pk=id_).review_until == until


def test_refusals_change_nothing(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    stranger, other = make_buyer(), make_priced_model()
    with pytest.raises(NotFound):
        contract_terms(contract.pk, stranger.owner)
    with pytest.raises(Invalid, match="is about"):
        other.target.under(contract_terms(contract.pk, buyer.owner))
    target = sale.target.under(contract_terms(contract.pk, buyer.owner))
    inputs = {"prompt": "x", "num_outputs": 2}
    with pytest.raises(AbovePrice, match=r"\$0.012"):
        admit(
            caller=buyer.actor,
            target=target,
            inputs=inputs,
            origin=Origin.API,
            conditions=Conditions(max_price=2 * PRICE - 1),
        )
    with pytest.raises(NotFound, match="no such contract"):  # as if another caller had looked it up
        admit(caller=stranger.actor, target=target, inputs=inputs, origin=Origin.API)
    contracts.end(actor=actor_of(membership(sale.provider)), contract_id=contract.pk)
    with pytest.raises(ContractClosed, match="ended"):
        run(buyer, sale, contract)
    poor, limited = make_buyer(credit=0), make_buyer()
    with pytest.raises(PaymentRequired):
        run(poor, sale, sign(poor, offer_to(poor, sale)))
    full = sign(limited, offer_to(limited, sale, most_unreviewed=1))
    run(limited, sale, full)
    with pytest.raises(ContractClosed, match="Review some"):
        run(limited, sale, full)
    assert (
        balance_of_buyer(buyer).held,
        balance_of_buyer(stranger).held,
        balance_of_buyer(poor).held,
        balance_of_buyer(limited).held,
    ) == (0, 0, 0, PRICE)


def test_only_the_buyer_reviews_and_only_what_is_under_contract(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    id_, plain = run(buyer, sale, contract), call(buyer, sale)
    claimed = {one.id: one for one in claim_all(sale, make_node())}
    complete([succeeded(claimed[id_]), succeeded(claimed[plain])])
    provider = Organization.objects.get(pk=sale.provider)
    for caller in (make_buyer().actor, Party(buyer.user, provider).actor):
        with pytest.raises(NotFound):
            review(caller=caller, prediction_id=id_, position=0, verdict=ACCEPT)
    with pytest.raises(NotUnderContract):
        review(caller=buyer.actor, prediction_id=plain, position=0, verdict=ACCEPT)
    with pytest.raises(Invalid):
        review(caller=buyer.actor, prediction_id=id_, position=1, verdict=ACCEPT)
    with pytest.raises(Invalid):
        review(caller=buyer.actor, prediction_id=id_, position=0, verdict=REJECT, reason="x" * 501)
    assert not Review.objects.filter(prediction=id_).exists()
    assert review(caller=buyer.actor, prediction_id=id_, position=0, verdict=REJECT, reason="a").is_new
    again = review(caller=buyer.actor, prediction_id=id_, position=0, verdict=REJECT, reason="b")
    assert (again.is_new, again.review.reason) == (False, "a")
    with pytest.raises(VerdictStands):
        review(caller=buyer.actor, prediction_id=id_, position=0, verdict=ACCEPT)


# --- agreeing ----------------------------------------------------------------------------------------------------


def test_signatures_are_acts_of_members_over_the_same_hash(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    offer = contract.offer
    events = AuditEvent.objects.filter(subject__in=[str(offer.pk), str(contract.pk)]).order_by("id")
    assert [(event.action, str(event.organization_id), event.data["hash"]) for event in events] == [
        ("contract.offered", sale.provider, offer.hash),
        ("contract.signed", buyer.owner, offer.hash),
    ]
    assert None not in {event.actor_id for event in events}
    contracts.end(actor=actor_of(membership(buyer.organization.pk)), contract_id=contract.pk)
    assert AuditEvent.objects.filter(action="contract.ended", subject=str(contract.pk)).count() == 1


def test_only_owners_sign(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    offer = offer_to(buyer, sale)
    person = make_party().user
    for organization in (buyer.organization, Organization.objects.get(pk=sale.provider)):
        Membership.objects.create(organization=organization, user=person, role="member")
        plain = Membership.objects.select_related("organization", "user").get(user=person, organization=organization)
        for act in (
            lambda plain=plain: contracts.sign(actor=actor_of(plain), offer_id=offer.pk, document_hash=offer.hash),
            lambda plain=plain: contracts.end(actor=actor_of(plain), contract_id=contract.pk),
            lambda plain=plain: contracts.withdraw(actor=actor_of(plain), offer_id=offer.pk),
        ):
            with pytest.raises(Forbidden):
                act()


def test_an_offer_can_be_signed_by_its_buyer_only(case):  # type: ignore[no-untyped-def]
    buyer, sale, _ = case
    stranger = make_buyer()
    mine = offer_to(buyer, sale)
    with pytest.raises(NotFound):
        sign(stranger, mine)
    with pytest.raises(Conflict, match="not the document"):
        contracts.sign(actor=actor_of(membership(buyer.organization.pk)), offer_id=mine.pk, document_hash="0" * 64)
    sign(buyer, mine)
    with pytest.raises(Conflict, match="signed already"):
        sign(buyer, mine)
    everybodys = offer_to(None, sale)
    assert sign(buyer, everybodys).pk != sign(stranger, everybodys).pk
    contracts.withdraw(actor=actor_of(membership(sale.provider)), offer_id=everybodys.pk)
    with pytest.raises(Conflict, match="withdrawn"):
        sign(make_buyer(), everybodys)


def test_a_new_version_replaces_the_older_when_it_is_signed(case):  # type: ignore[no-untyped-def]
    buyer, sale, contract = case
    newer = offer_to(buyer, sale, amount=7_000, supersedes=contract.offer_id)
    assert (newer.version, newer.supersedes_id) == (2, contract.offer_id)
    assert f'"supersedes":"{contract.offer.hash}"' in newer.document
    running = run(buyer, sale, contract)  # the older goes on until the newer is signed
    sign(buyer, newer)
    with pytest.raises(ContractClosed):
        run(buyer, sale, contract)
    (claimed,) = claim_all(sale, make_node())
    complete([succeeded(claimed)])
    review(caller=buyer.actor, prediction_id=running, position=0, verdict=ACCEPT)
    assert balance_of_buyer(buyer).posted == CREDIT - PRICE  # at the price it was made under
    with pytest.raises(Conflict, match="superseded already"):
        offer_to(buyer, sale, supersedes=contract.offer_id)
    with pytest.raises(Conflict, match="same buyer"):
        offer_to(None, sale, supersedes=newer.pk)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"amount": 0}, "price"),
        ({"amount": 10**16}, "price"),
        ({"review_hours": 0}, "review_hours"),
        ({"review_hours": 721}, "review_hours"),
        ({"most_unreviewed": 0}, "most_unreviewed"),
        ({"note": "x" * 1_001}, "note"),
        ({"note": "\0"}, "note"),
    ],
)
def test_terms_out_of_bounds_are_refused(case, terms: dict[str, object], field: str):  # type: ignore[no-untyped-def]
    buyer, sale, _ = case
    before = OutcomeOffer.objects.count()
    with pytest.raises(Invalid) as refused:
        offer_to(buyer, sale, **terms)
    assert [error.field for error in refused.value.errors] == [field]
    assert OutcomeOffer.objects.count() == before
    assert balance_of(sale.provider, AccountKind.PROVIDER_PAYABLE).posted == 0
