"""Rules for names, roles and keys, and the actor of a request. No database."""

import re
import uuid
from dataclasses import dataclass
from enum import StrEnum

from marketplace.core.problems import Forbidden

MAX_SLUG_LENGTH = 63  # of an organisation, a model or an alias in addresses; the same limit as in SLUG_PATTERN
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
SLUG_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)

# The first segment of every address that is not a namespace, including those of the async front and the Hub protocol.
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
    """The text is not allowed as the name of an organisation or a model in addresses."""


class Role(StrEnum):
    """A member's role in an organisation. The table in `accounts.policy` lists what each role may do."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    BILLING = "billing"
    AUDITOR = "auditor"

    @classmethod
    def _missing_(cls, value: object) -> "Role | None":
        """Read `member` as developer: processes of release 0.1.0 write it until they are replaced."""
        return cls.DEVELOPER if value == "member" else None


class Scope(StrEnum):
    """A permitted use of an API key. The table in `accounts.policy` lists the actions of each scope."""

    READ = "read"
    RUN = "run"
    ALIASES = "aliases"
    PUBLISH = "publish"
    DELETE = "delete"
    REVIEW = "review"


INSTALLATION = uuid.UUID(int=0)  # operators act for it; no organisation has this id


@dataclass(frozen=True)
class Actor:
    """The originator of a request: a person or an API key for an organisation, an operator, or the platform itself.

    The values are those at the time of the request. `policy.check` uses them, `policy.require` reads them again.

    Attributes:
        organization_id: the organisation that the actor acts for; `INSTALLATION` for operators.
        can_buy, can_provide: the sides of the market that the organisation is on.
        role: a person's role in the organisation; None for other actors.
        scopes: a key's scopes; empty for other actors.
        user_id: the person. With `is_platform`: the person at whose earlier request the platform acts.
        is_platform: true for commands of this machine, and for work that a person approved earlier.
    """

    organization_id: uuid.UUID
    organization_slug: str = ""
    can_buy: bool = False
    can_provide: bool = False
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    user_id: uuid.UUID | None = None
    key_id: uuid.UUID | None = None
    is_operator: bool = False
    is_platform: bool = False

    @property
    def person(self) -> uuid.UUID:
        """The person's id, for records that name a person, such as a signature. Raises Forbidden for other actors."""
        if self.user_id is None:
            raise Forbidden("Only a person can do this, signed in as a member of the organisation")
        return self.user_id

    @property
    def party(self) -> str:
        """The organisation's id in the ledger."""
        return str(self.organization_id)


class NameKind(StrEnum):
    """The kind of object that a name in an organisation's namespace refers to."""

    MODEL = "model"
    ALIAS = "alias"


def is_name(text: str) -> bool:
    """Whether the text can be a name, in any case. If not, the database need not be queried for it."""
    return SLUG_PATTERN.fullmatch(text.lower()) is not None


def is_title(text: str, *, longest: int) -> bool:
    """Whether the text is allowed as a title: 1 to `longest` characters without control characters."""
    return 1 <= len(text) <= longest and not CONTROL_CHARACTERS.search(text)


def check_slug(slug: str, *, reserved: bool = True) -> str:
    """The slug in its canonical (lower) case.

    Args:
        reserved: whether to refuse names of the site's own pages; required for organisations.

    Raises:
        BadSlug: the text breaks a rule; the error names it.
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
