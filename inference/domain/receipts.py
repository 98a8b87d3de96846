"""Receipts: what a prediction took and cost, as canonical JSON that can be signed and verified offline."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The signed bytes: UTF-8 JSON with sorted keys and no white space (as RFC 8785 has it, for these values)."""
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


class ReceiptSigner:
    """Signs receipts with Ed25519 (RFC 8032).

    Args:
        seed: 32 bytes in hexadecimal. Only web processes have it; nodes never do.
    """

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        self.key_id = hashlib.sha256(bytes.fromhex(self.public_key)).hexdigest()[:16]

    def sign(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload with its signature in hexadecimal and the id of the key that verifies it."""
        return {
            "payload": payload,
            "signature": self._key.sign(canonical(payload)).hex(),
            "algorithm": "Ed25519",
            "key_id": self.key_id,
        }
