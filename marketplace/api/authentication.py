"""Authentication by an API key in the Authorization header, shared by the front and Django's views."""

import threading
import time
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from marketplace.accounts.domain import KEY_PREFIX, Actor
from marketplace.accounts.selectors import actor_by_key, key_hash
from marketplace.accounts.services.api_keys import note_use
from marketplace.core.problems import NotAuthenticated

SCHEMES = ("bearer", "token", "key")  # OpenAI and Replicate, old Replicate, fal
CACHE_SECONDS = 5.0
MAX_CACHED = 50_000

_lock = threading.Lock()
_kept: dict[str, tuple[float, Actor]] = {}


def key_from_header(header: str | None) -> str:
    """The key in an Authorization header.

    Raises:
        NotAuthenticated: there is no header, or it contains no key of this market.
    """
    if not header:
        raise NotAuthenticated("Send your API key as `Authorization: Bearer bourse_…`; make one in the console.")
    scheme, _, key = header.partition(" ")
    key = key.strip()
    if scheme.lower() not in SCHEMES or not key.startswith(KEY_PREFIX) or len(key) > 200:
        raise NotAuthenticated(f"Send your API key as `Authorization: Bearer {KEY_PREFIX}…`; make one in the console.")
    return key


def kept_caller(key: str) -> Actor | None:
    """The caller of a key that was looked up within the last `CACHE_SECONDS`.

    Its users check in their own statement whether the key is still valid, so a revocation takes effect at once.
    """
    with _lock:
        found = _kept.get(key_hash(key))
    return found[1] if found is not None and found[0] > time.monotonic() else None


def look_up_caller(key: str) -> Actor:
    """The caller of a key, from the database.

    Raises:
        NotAuthenticated: the key is unknown or revoked.
    """
    caller = actor_by_key(key)
    if caller is None:
        raise NotAuthenticated("This API key is unknown or was revoked; make one under API keys in the console.")
    if caller.key_id is not None:
        note_use(key_id=caller.key_id)
    with _lock:
        if len(_kept) >= MAX_CACHED:
            _kept.clear()
        _kept[key_hash(key)] = (time.monotonic() + CACHE_SECONDS, caller)
    return caller


class ApiCaller:
    """REST framework's user object: the actor of an API key."""

    is_authenticated = True

    def __init__(self, caller: Actor) -> None:
        self.caller = caller


class ApiKeyAuthentication(BaseAuthentication):
    """The same authentication for REST framework."""

    def authenticate(self, request: Request) -> tuple[ApiCaller, None]:
        return ApiCaller(look_up_caller(key_from_header(request.headers.get("Authorization")))), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def caller_of(request: Any) -> Actor:
    """The caller of an authenticated REST framework request."""
    user = request.user
    if not isinstance(user, ApiCaller):
        raise NotAuthenticated("Send your API key as `Authorization: Bearer bourse_…`; make one in the console.")
    return user.caller
