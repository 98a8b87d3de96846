"""Names that callers use for models, and the bands of their figures. Pure functions."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.accounts.domain import is_name

REFERENCE = re.compile(r"(?P<owner>[^/:@\s]+)/(?P<name>[^/:@\s]+)(?:[:@](?P<version>[^/:@\s]+))?", re.ASCII)
VERSION_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)
NUMBERED = re.compile(r"v([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """`owner/name`, with a version (an id, `v2` or `latest`) if one was given."""

    owner: str
    name: str
    version: str | None = None

    @property
    def is_possible(self) -> bool:
        """Whether this could be a model's name; if not, no query is needed."""
        return is_name(self.owner) and is_name(self.name)


def parse_reference(text: str) -> Reference | None:
    """The reference in `owner/name`, `owner/name:version` or `owner/name@v2`; None for any other text."""
    match = REFERENCE.fullmatch(text)
    return Reference(match["owner"], match["name"], match["version"]) if match else None


def sku_of(model_id: uuid.UUID) -> str:
    """The model's sku in billing."""
    return f"model:{model_id}"


@dataclass(frozen=True)
class Band:
    """A range of a figure by which models are filtered.

    Attributes:
        below: where it ends; None: it has no end. It begins where the band before it ends.
        title: what it is called, if that is not its limits.
    """

    name: str
    below: float | None = None
    title: str = ""


# By the field of a model's entry: micro-units of a usual call, seconds of a median run, share of runs that succeeded.
# PostgreSQL derives each entry's band from them: a change here needs a migration.
BANDS: Mapping[str, tuple[Band, ...]] = {
    "price": (Band("free", 1, "Free"), Band("low", 10_000), Band("middle", 100_000), Band("high")),
    "p50_run_seconds": (Band("instant", 1.0), Band("short", 10.0), Band("medium", 60.0), Band("long")),
    "success_rate": (Band("low", 0.9), Band("good", 0.99), Band("best")),
}
