"""Signed, expiring links: the holder of a link may do what it names until it expires."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

from django.conf import settings

HOUR = 3600


def sign(path: str, *, seconds: int) -> str:
    """`path` with a query that makes it valid for at least `seconds` from now, and at most an hour longer.

    All links of one hour expire at the same moment, so that a page that is shown again has the same addresses, and
    browsers take their content from their caches.
    """
    expires = (int(time.time()) // HOUR + 1) * HOUR + seconds
    return f"{path}?{urlencode({'expires': expires, 'signature': _signature(path, expires)})}"


def is_valid(path: str, *, expires: str, signature: str) -> bool:
    """Whether the query belongs to this path and has not expired."""
    moment = _moment(expires)
    if moment is None or moment < time.time():
        return False
    return hmac.compare_digest(_signature(path, moment).encode(), signature.encode())


def seconds_left(expires: str) -> int:
    """Whole seconds until a link with this `expires` stops being valid; 0 once it has, or if it is no time."""
    moment = _moment(expires)
    return max(0, int(moment - time.time())) if moment is not None else 0


def _moment(expires: str) -> int | None:
    return int(expires) if expires.isascii() and expires.isdigit() and len(expires) <= 12 else None


def _signature(path: str, expires: int) -> str:
    key = hashlib.sha256(b"bourse.links:" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
