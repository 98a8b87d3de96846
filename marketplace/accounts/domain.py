"""Rules of names, roles and keys. No database."""

import re
from enum import StrEnum

MAX_SLUG_LENGTH = 63  # of an organisation, a model or an alias in addresses, as SLUG_PATTERN has it
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
SLUG_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)

# The first segment of every address that is not a namespace, the async front's and the Hub protocol's included.
# A test compares this with the URL table.
RESERVED_SLUGS = frozenset({
    "accounts", "admin", "api", "artifacts", "billing", "console", "datasets", "docs", "fal", "favicon.ico",
    "hf", "healthz", "login", "logout", "metrics", "models", "new", "openai", "operator", "organizations",
    "provider", "readyz", "robots.txt", "signup", "spaces", "static", "uploads", "v1", "webhooks", "well-known",
    "workflows",
})  # fmt: skip

KEY_PREFIX = "bourse_"
SHOWN_KEY_CHARACTERS = 12


class BadSlug(ValueError):
    """The text cannot be an organisation's or a model's name in addresses."""


class Role(StrEnum):
    """What a member may do: an owner also manages members, keys and money."""

    OWNER = "owner"
    MEMBER = "member"


class NameKind(StrEnum):
    """What a name of an organisation's namespace can stand for."""

    MODEL = "model"
    ALIAS = "alias"


def is_name(text: str) -> bool:
    """Whether anything could be called so, in any case. What could not be is not worth asking the database for."""
    return SLUG_PATTERN.fullmatch(text.lower()) is not None


def is_title(text: str, *, longest: int) -> bool:
    """Whether people may name a thing so: 1 to `longest` characters without control characters."""
    return 1 <= len(text) <= longest and not CONTROL_CHARACTERS.search(text)


def check_slug(slug: str, *, reserved: bool = True) -> str:
    """The slug in its canonical (lower) case.

    Args:
        reserved: whether names of the site's own pages are refused, as they must be for organisations.

    Raises:
        BadSlug: saying which rule the text breaks.
    """
    canonical = slug.strip().lower()
    if not SLUG_PATTERN.fullmatch(canonical):
        raise BadSlug(
            "Use 1 to 63 letters a-z, digits, dots, dashes or underscores, starting and ending with one of a-z 0-9"
        )
    if ".." in canonical or "--" in canonical:
        raise BadSlug("Use no two dots or dashes in a row")
    if canonical.endswith(".git"):
        raise BadSlug('A name may not end in ".git"')
    if reserved and canonical in RESERVED_SLUGS:
        raise BadSlug(f'"{canonical}" is an address of the site itself; choose another')
    return canonical
