"""The model card: README.md with a YAML metadata block, as on the Hugging Face Hub."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from marketplace.core.problems import FieldError
from providers.validation.refusal import FolderRefused
from providers.validation.source import Source

CARD = "README.md"
METADATA = re.compile(r"\A---[ \t]*\n(.*?)(?<=\n)---[ \t]*(?:\n|\Z)(.*)", re.DOTALL)
MAX_METADATA_LENGTH = 32 * 1024
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+_() -]{0,59}", re.ASCII)
MAX_DESCRIPTION_LENGTH = 300
MAX_EXAMPLES = 16
MAX_TAGS, MAX_TAG_LENGTH = 32, 60


class LicenseMissing(FolderRefused):
    """The card could be read, but names no licence."""


@dataclass(frozen=True)
class Card:
    """The content of a card.

    Attributes:
        text: the Markdown without the metadata block.
        description: its first paragraph, shortened.
        defaults: recommended inputs, `inference.parameters` of the metadata.
        widget: example inputs as the Hub shows them, `widget` of the metadata; a plain text means {"text": …}.
        tags: `tags` of the metadata, at most 32, each shortened to 60 characters.
    """

    text: str
    description: str
    license: str
    defaults: Mapping[str, Any]
    widget: Sequence[Mapping[str, Any]] = ()
    tags: Sequence[str] = ()


def read_card(files: Mapping[str, Source]) -> Card:
    """Read README.md.

    Raises:
        FolderRefused: it is missing, its metadata is not YAML, it names no licence, or its defaults are not a mapping.
    """
    if CARD not in files:
        raise FolderRefused([FieldError(CARD, "is missing; buyers need a card that says what the model does")])
    try:
        text = files[CARD].read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise FolderRefused([FieldError(CARD, "is not UTF-8 text")]) from None
    if "\0" in text:
        raise FolderRefused([FieldError(CARD, "contains a NUL character")])
    match = METADATA.match(text.replace("\r\n", "\n"))
    metadata = _read_metadata(match[1]) if match else {}
    named = metadata.get("license") if isinstance(metadata, dict) else None
    license_ = named.strip().lower() if isinstance(named, str) else ""
    if not LICENSE.fullmatch(license_):
        raise LicenseMissing([FieldError(CARD, 'name the licence in the metadata block, e.g. "license: apache-2.0"')])
    body = match[2].strip() if match else text.strip()
    return Card(
        text=body,
        description=_first_paragraph(body),
        license=license_,
        defaults=_recommended(metadata.get("inference")),
        widget=_widget(metadata.get("widget")),
        tags=_tags(metadata.get("tags")),
    )


class _NoAliases(yaml.SafeLoader):
    """YAML without aliases, by which a short text can expand to a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _Aliases
        return super().compose_node(parent, index)


class _Aliases(yaml.YAMLError):
    pass


def _read_metadata(block: str) -> Any:
    if len(block) > MAX_METADATA_LENGTH:
        raise FolderRefused([FieldError(CARD, f"the metadata block has more than {MAX_METADATA_LENGTH} characters")])
    try:
        return yaml.load(block, _NoAliases)  # noqa: S506  # a SafeLoader
    except _Aliases:
        detail = "the metadata block is not YAML that may be published: it uses aliases (*name)"
        raise FolderRefused([FieldError(CARD, detail)]) from None
    except Exception as error:  # a tag that does not fit its value makes PyYAML raise errors of many kinds
        raise FolderRefused([FieldError(CARD, f"the metadata block is not YAML: {str(error)[:300]}")]) from None


def _recommended(inference: Any) -> Mapping[str, Any]:
    """The default inputs. `inference` may be a mapping, or a boolean: whether the Hub shows a widget."""
    parameters = {} if inference is None or isinstance(inference, bool) else inference
    if isinstance(inference, dict):
        parameters = inference.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise FolderRefused([FieldError(CARD, "inference.parameters must be a mapping of input fields to values")])
    return parameters


def _widget(entries: Any) -> list[Mapping[str, Any]]:
    """The entries that have the form of an example; the Hub allows other forms, which are ignored."""
    given = entries if isinstance(entries, list) else [entries]
    found: list[Any] = [{"text": entry} if isinstance(entry, str) else entry for entry in given]
    examples: list[Mapping[str, Any]] = [entry for entry in found if isinstance(entry, dict)]
    return examples[:MAX_EXAMPLES]


def _tags(entries: Any) -> list[str]:
    """The tags that are texts; a single text is one tag."""
    given = entries if isinstance(entries, list) else [entries]
    found = [entry.strip()[:MAX_TAG_LENGTH] for entry in given if isinstance(entry, str) and "\0" not in entry]
    return [tag for tag in dict.fromkeys(found) if tag][:MAX_TAGS]


def _first_paragraph(markdown: str) -> str:
    for block in re.split(r"\n\s*\n", markdown):
        block = " ".join(block.split())
        if block and not block.startswith(("#", "!", "<", "|", "-", "*", "`")):
            if len(block) <= MAX_DESCRIPTION_LENGTH:
                return block
            return block[: MAX_DESCRIPTION_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    return ""
