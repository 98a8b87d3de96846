"""Rules of names, roles and keys, and who acts. No database."""

import re
import uuid
from dataclasses import dataclass
from enum import StrEnum

from marketplace.core.problems import Forbidden

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
    """What a member is in an organisation. What each role may do is the table in `accounts.policy`."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    BILLING = "billing"
    AUDITOR = "auditor"

    @classmethod
    def _missing_(cls, value: object) -> "Role | None":
        """Processes of release 0.1.0, while they are being replaced, still write `member`."""
        return cls.DEVELOPER if value == "member" else None


class Scope(StrEnum):
    """What an API key may be used for. Which actions each scope covers is the table in `accounts.policy`."""

    READ = "read"
    RUN = "run"
    ALIASES = "aliases"
    PUBLISH = "publish"
    DELETE = "delete"
    REVIEW = "review"


INSTALLATION = uuid.UUID(int=0)  # what operators act for; no organisation has this id


@dataclass(frozen=True)
class Actor:
    """Who asks for something: a person or an API key for an organisation, an operator, or the platform itself.

    It is what was so when the request came. `policy.check` goes by it, `policy.require` looks again.

    Attributes:
        organization_id: for whom; `INSTALLATION` for operators.
        can_buy, can_provide: the sides of the market that the organisation is on.
        role: a person's role in the organisation; None for everybody else.
        scopes: a key's scopes; empty for everybody else.
        user_id: the person. Together with `is_platform`: on whose wish of earlier the platform acts.
        is_platform: commands of this machine, and work that was agreed to before.
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
        """The person, for what bears a person's name, such as a signature. Raises Forbidden for everybody else."""
        if self.user_id is None:
            raise Forbidden("Only a person can do this, signed in as a member of the organisation")
        return self.user_id

    @property
    def party(self) -> str:
        """What the ledger knows the organisation by."""
        return str(self.organization_id)


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
