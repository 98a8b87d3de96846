"""The SQL life of a prediction, without a node: the test claims and completes in its place."""

import pytest

from billing.domain import AccountKind
from billing.selectors import balance_of, is_balanced
from inference.domain.lifecycle import Origin, Status
from inference.models import Node
from inference.selectors import prediction_for_buyer
from inference.services.admit import admit
from inference.worker.claims import Ended, claim, complete
from marketplace.core.ids import new_id
from marketplace.core.problems import PaymentRequired
from tests.parties import make_buyer, make_callable, make_listing

pytestmark = pytest.mark.usefixtures("database")


def make_node() -> str:
    return Node.objects.create(
        id=f"node-{new_id()}", boot=new_id(), device_kind="cpu", device_name="test", memory_bytes=0
    ).pk


def test_a_prediction_is_admitted_claimed_completed_and_settled_once():
    buyer = make_buyer(credit=1_000_000)
    listing = make_listing(unit_price=4_000)
    target, node = make_callable(listing), make_node()
    id_ = admit(caller=buyer.caller, target=target, inputs={"prompt": "a red star", "num_outputs": 2}, origin=Origin.API)
    assert balance_of(buyer.owner, AccountKind.BUYER_PREPAID).held == 8_000

    claimed, more = claim(node=node, device="test", version=target.version, limit=8)
    assert [one.id for one in claimed] == [id_]
    assert not more
    ended = Ended(id=id_, attempt=1, status="succeeded", quantity=2, amount=8_000, source="prediction:x", description="")
    assert complete([ended]) == [(id_, None)]
    assert complete([ended]) == []

    view = prediction_for_buyer(buyer.organization.pk, id_)
    assert (view.status, view.amount_charged) == (Status.SUCCEEDED, 8_000)
    balance = balance_of(buyer.owner, AccountKind.BUYER_PREPAID)
    assert (balance.posted, balance.held) == (992_000, 0)
    assert balance_of(str(listing.model.organization_id), AccountKind.PROVIDER_PAYABLE).posted == 7_200
    assert is_balanced()


def test_without_balance_nothing_is_admitted():
    buyer = make_buyer(credit=0)
    target = make_callable(make_listing())
    with pytest.raises(PaymentRequired, match=r"\$0\.004"):
        admit(caller=buyer.caller, target=target, inputs={"prompt": "x"}, origin=Origin.API)
    assert claim(node=make_node(), device="test", version=target.version, limit=8) == ([], False)
