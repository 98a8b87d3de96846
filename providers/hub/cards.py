"""Checks a model card before the upload, by the same rules as the later checks of a version."""

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from marketplace.core.problems import FieldError
from providers.validation.card import CARD, LicenseMissing, read_card
from providers.validation.refusal import FolderRefused


@dataclass(frozen=True)
class TextSource:
    """A file in memory."""

    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode())

    def open(self) -> BinaryIO:
        return io.BytesIO(self.text.encode())

    def read_text(self, encoding: str) -> str:
        return self.text.removeprefix("\ufeff")


def findings(content: str) -> dict[str, Any]:
    """The errors of a README as clients show them: `errors` stop the upload, `warnings` do not.

    A missing licence is only a warning: clients that write the card themselves, such as diffusers' `push_to_hub`, name
    none, and a later commit can add it.
    """
    try:
        read_card({CARD: TextSource(content)})
    except LicenseMissing as refused:
        return {
            "errors": [],
            "warnings": _messages(refused.errors, " Without it the version fails its checks."),
        }
    except FolderRefused as refused:
        return {"errors": _messages(refused.errors, ""), "warnings": []}
    return {"errors": [], "warnings": []}


def _messages(errors: tuple[FieldError, ...], more: str) -> list[dict[str, str]]:
    return [{"message": f"{error.field}: {error.detail}.{more}"} for error in errors]
