"""How a document in the database refers to a picture in the blob store. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MARK = "$file"  # the key by which a reference is told from other objects


@dataclass(frozen=True)
class FileReference:
    """A picture in the blob store: `size` in bytes, `width` and `height` in pixels as it is seen upright."""

    sha256: str
    media_type: str
    size: int
    width: int
    height: int

    def document(self) -> dict[str, Any]:
        """What a prediction's input says instead of the picture."""
        fields = asdict(self)
        return {MARK: fields.pop("sha256")} | fields


def reference_in(value: Any) -> FileReference | None:
    """The reference that an input's value is, or None if it is any other value."""
    if not isinstance(value, dict) or MARK not in value:
        return None
    return FileReference(value[MARK], value["media_type"], value["size"], value["width"], value["height"])


def references_in(inputs: Mapping[str, Any]) -> dict[str, FileReference]:
    """The files among a prediction's inputs, by field."""
    return {name: found for name, value in inputs.items() if (found := reference_in(value)) is not None}
