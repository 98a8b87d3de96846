"""Authentication without blocking: a fresh snapshot of the key, else a database query in a thread."""

from marketplace.accounts.domain import Actor
from marketplace.api.authentication import kept_caller, key_from_header, look_up_caller
from marketplace.api.front.http import Request
from marketplace.api.front.resources import in_thread
from marketplace.core import links


async def authenticate(request: Request) -> Actor:
    """The caller with the request's API key. Raises NotAuthenticated."""
    key = key_from_header(request.header("authorization"))
    caller = kept_caller(key)
    return caller if caller is not None else await in_thread(look_up_caller, key)


def holds_link(request: Request) -> bool:
    """Whether the request's address is a signed link that has not expired."""
    return links.is_valid(request.path, expires=request.query("expires"), signature=request.query("signature"))
