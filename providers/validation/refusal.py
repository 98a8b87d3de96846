from collections.abc import Sequence

from marketplace.core.problems import FieldError, Invalid


class FolderRefused(Invalid):
    """A folder that cannot be published; the errors name each file. Nothing was stored."""

    kind, title = "folder-refused", "The folder cannot be published"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        named = "; ".join(f"{error.field}: {error.detail}" for error in errors[:5])
        more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
        super().__init__(f"Nothing was stored. {named}{more}", errors=errors)
