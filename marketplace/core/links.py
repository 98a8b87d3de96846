"""Signed, expiring links: the holder of a link may do what it names until it expires."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

from django.conf import settings


def sign(path: str, *, seconds: int) -> str:
    """`path` with a query that makes it valid for `seconds` from now (rounded up to a minute).

    Because of the rounding a reloaded page has the same links, so that browsers can cache their content.
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
