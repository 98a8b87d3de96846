"""Names that callers use for models. Pure functions."""

import re
import uuid
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
