"""What a caller asks of a call beyond its input: what it may cost, and that it happens once."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from marketplace.core.problems import FieldError, Invalid, NotUnderstood

KEY_HOURS = 24  # an idempotency key is remembered at least this long
MAX_KEY_LENGTH = 255
POSSIBLE_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_LENGTH}}}", re.ASCII)


@dataclass(frozen=True)
class Idempotency:
    """The name that a caller gives to a call, so that repeating the request repeats the answer and not the call.

    Attributes:
        key: the caller's own; it counts within their organisation.
        request_hash: SHA-256 of what was asked for, hexadecimal.
    """

    key: str
    request_hash: str

    @classmethod
    def of(cls, key: str, request: Mapping[str, Any]) -> "Idempotency":
        """The key with the hash of a request: equal JSON values give equal hashes, however they were written.

        Raises:
            Invalid: the key has a length or characters that none may have.
            NotUnderstood: the request is nested too deeply.
        """
        if not POSSIBLE_KEY.fullmatch(key):
            rule = f"must be 1 to {MAX_KEY_LENGTH} visible ASCII characters without spaces, for example a UUID"
            wrong = FieldError("Idempotency-Key", rule)
            raise Invalid(f"Nothing was run and nothing is charged: Idempotency-Key {rule}", errors=[wrong])
        try:
            canonical = orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            raise NotUnderstood("The input is nested too deeply; no model takes such a value.") from None
        return cls(key, hashlib.sha256(canonical).hexdigest())


@dataclass(frozen=True)
class Conditions:
    """What admission must keep to.

    Attributes:
        max_price: micro-units of the market's currency that the call may cost at most; None: whatever it costs.
        contract: the outcome contract to run under; None: the price in effect.
    """

    max_price: int | None = None
    contract: uuid.UUID | None = None
    idempotency: Idempotency | None = None


UNCONDITIONAL = Conditions()
