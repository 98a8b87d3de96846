"""Receipts verify offline, with only the public key and the buyer's JSON."""

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain.receipts import ReceiptSigner, canonical
from inference.selectors import prediction_for_buyer
from inference.services.receipts import receipt_of, signer
from inference.worker.claims import complete
from tests.support.inference_market import call, claim_all, make_buyer, make_node, make_priced_model, succeeded

SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"  # RFC 8032, 7.1, test 1
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
payloads = st.dictionaries(st.text(max_size=8), scalars | st.lists(scalars, max_size=3), min_size=1, max_size=6)


def verify(public_key: str, receipt: dict[str, object]) -> None:
    """Verifies as a buyer's program would: the bytes are rebuilt with Python's json."""
    signed = json.dumps(receipt["payload"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
        bytes.fromhex(str(receipt["signature"])), signed
    )


def test_the_key_is_made_from_its_seed():
    assert ReceiptSigner(SEED).public_key == PUBLIC
    assert ReceiptSigner(SEED).key_id == ReceiptSigner(SEED).key_id
    assert ReceiptSigner(SEED).key_id != ReceiptSigner("00" * 32).key_id


def test_the_canonical_form():
    payload = {"b": None, "a": [1, "é", True], "c": 0.25}
    assert canonical(payload) == '{"a":[1,"é",true],"b":null,"c":0.25}'.encode()


@settings(max_examples=50, deadline=None, database=None)
@given(payload=payloads, data=st.data())
def test_a_receipt_verifies_as_signed_and_not_otherwise(payload: dict[str, object], data: st.DataObject):
    receipt = json.loads(json.dumps(ReceiptSigner(SEED).sign(payload)))
    verify(PUBLIC, receipt)
    field = data.draw(st.sampled_from(sorted(payload)))
    changed = data.draw(scalars.filter(lambda value: canonical({"": value}) != canonical({"": payload[field]})))
    for altered in (payload | {field: changed}, {name: payload[name] for name in payload if name != field}):
        with pytest.raises(InvalidSignature):
            verify(PUBLIC, receipt | {"payload": altered})
    with pytest.raises(InvalidSignature):
        verify(ReceiptSigner("00" * 32).public_key, receipt)


@pytest.mark.usefixtures("database")
def test_the_receipt_of_a_prediction_has_the_charge_and_verifies():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale, num_outputs=2)
    assert receipt_of(prediction_for_buyer(buyer.organization.pk, id_)) is None
    (claimed,) = claim_all(sale, make_node())
    assert receipt_of(prediction_for_buyer(buyer.organization.pk, id_)) is None
    complete([succeeded(claimed)])
    view = prediction_for_buyer(buyer.organization.pk, id_)
    receipt = json.loads(json.dumps(receipt_of(view)))
    assert receipt == json.loads(json.dumps(receipt_of(view)))
    payload = receipt["payload"]
    assert (payload["charged"], payload["held"], payload["unit_price"]) == ("0.008000", "0.008000", "0.004000")
    assert (payload["quantity"], payload["unit"], payload["currency"]) == (2, "image", "USD")
    assert (payload["buyer"], payload["version"]) == (buyer.organization.slug, sale.target.version)
    assert (payload["status"], payload["not_billed"]) == ("succeeded", None)
    assert payload["outputs"] == ["sha256:" + "0" * 64] * 2
    assert receipt["key_id"] == signer().key_id
    verify(signer().public_key, receipt)
    payload["charged"] = "0.004000"
    with pytest.raises(InvalidSignature):
        verify(signer().public_key, receipt)
