"""Signed, expiring links: who holds one may do the one thing that it names, until it expires."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

from django.conf import settings


def sign(path: str, *, seconds: int) -> str:
    """`path` with the query that lets whoever has it open it for `seconds` from now (rounded up to a minute).

    Rounding keeps the link of a page that is reloaded the same, so that browsers cache what it shows.
    """
    expires = (int(time.time()) // 60 + 1) * 60 + seconds
    return f"{path}?{urlencode({'expires': expires, 'signature': _signature(path, expires)})}"


def is_valid(path: str, *, expires: str, signature: str) -> bool:
    """Whether the query belongs to this path and has not expired."""
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12 or int(expires) < time.time():
        return False
    return hmac.compare_digest(_signature(path, int(expires)).encode(), signature.encode())


def _signature(path: str, expires: int) -> str:
    key = hashlib.sha256(b"bourse.links:" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
