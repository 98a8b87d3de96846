"""How a document in the database refers to a picture in the blob store. Pure functions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MARK = "$file"  # the key that marks an object as a reference


@dataclass(frozen=True)
class FileReference:
    """A picture in the blob store: `size` in bytes, `width` and `height` in pixels of the upright picture."""

    sha256: str
    media_type: str
    size: int
    width: int
    height: int

    def document(self) -> dict[str, Any]:
        """The JSON object that replaces the picture in a prediction's input."""
        fields = asdict(self)
        return {MARK: fields.pop("sha256")} | fields


def reference_in(value: Any) -> FileReference | None:
    """The reference in an input's value, or None if the value is not a reference."""
    if not isinstance(value, dict) or MARK not in value:
        return None
    return FileReference(value[MARK], value["media_type"], value["size"], value["width"], value["height"])


def references_in(inputs: Mapping[str, Any]) -> dict[str, FileReference]:
    """The files among a prediction's inputs, by field."""
    return {name: found for name, value in inputs.items() if (found := reference_in(value)) is not None}
