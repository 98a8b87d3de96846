"""Receipts: what a prediction took and cost, as canonical JSON that can be signed and verified offline."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The signed bytes: UTF-8 JSON with sorted keys and no white space (as RFC 8785 has it, for these values)."""
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


class ReceiptContract(TypedDict):
    """Under which outcome contract a prediction ran, and what came of that so far."""

    id: str
    hash: str | None
    outcome: str
    delivered: int
    accepted: int | None
    rejected: int | None
    review_until: str | None


class ReceiptPayload(TypedDict):
    """What is signed: amounts are decimal texts in the currency, durations seconds, times ISO 8601."""

    prediction: str
    buyer: str
    model: str
    version: str
    status: str
    device: str
    attempts: int
    created_at: str
    completed_at: str
    queue_seconds: float | None
    load_seconds: float | None
    run_seconds: float | None
    unit: str
    quantity: int
    unit_price: str
    price_version: int
    max_price: str | None
    held: str
    charged: str
    currency: str
    not_billed: str | None
    contract: ReceiptContract | None
    outputs: list[str]


class Receipt(TypedDict):
    """A payload that can be verified offline with the public key that `key_id` names."""

    payload: ReceiptPayload
    signature: str
    algorithm: Literal["Ed25519"]
    key_id: str


class ReceiptSigner:
    """Signs receipts with Ed25519 (RFC 8032).

    Args:
        seed: 32 bytes in hexadecimal. Only web processes have it; nodes never do.
    """

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        self.key_id = hashlib.sha256(bytes.fromhex(self.public_key)).hexdigest()[:16]

    def sign(self, payload: ReceiptPayload) -> Receipt:
        """The payload with its signature in hexadecimal and the id of the key that verifies it."""
        return {
            "payload": payload,
            "signature": self._key.sign(canonical(payload)).hex(),
            "algorithm": "Ed25519",
            "key_id": self.key_id,
        }
