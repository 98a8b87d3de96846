"""The model card: README.md with a YAML metadata block, as on the Hugging Face Hub."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from marketplace.core.problems import FieldError
from providers.validation.refusal import FolderRefused

CARD = "README.md"
METADATA = re.compile(r"\A---\s*\n(.*?)\n---\s*\n?(.*)\Z", re.DOTALL)
LONGEST_DESCRIPTION = 300


@dataclass(frozen=True)
class Card:
    """What the card says.

    Attributes:
        text: the Markdown without the metadata block.
        description: its first paragraph, shortened.
        defaults: recommended inputs, `inference.parameters` of the metadata.
    """

    text: str
    description: str
    license: str
    defaults: Mapping[str, Any]


def read_card(files: Mapping[str, Path]) -> Card:
    """Read README.md.

    Raises:
        FolderRefused: there is none, its metadata is not YAML, or it names no licence.
    """
    if CARD not in files:
        raise FolderRefused([FieldError(CARD, "is missing; buyers need a card that says what the model does")])
    try:
        text = files[CARD].read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FolderRefused([FieldError(CARD, "is not UTF-8 text")]) from None
    if "\0" in text:
        raise FolderRefused([FieldError(CARD, "contains a NUL character")])
    match = METADATA.match(text.replace("\r\n", "\n"))
    try:
        metadata = yaml.safe_load(match[1]) if match else {}
    except yaml.YAMLError as error:
        raise FolderRefused([FieldError(CARD, f"the metadata block is not YAML: {error}")]) from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("license"), str):
        raise FolderRefused([FieldError(CARD, 'name the licence in the metadata block, e.g. "license: apache-2.0"')])
    inference = metadata.get("inference")
    parameters = inference.get("parameters") if isinstance(inference, dict) else None
    body = match[2].strip() if match else text.strip()
    return Card(
        text=body,
        description=_first_paragraph(body),
        license=metadata["license"].strip().lower()[:60],
        defaults=parameters if isinstance(parameters, dict) else {},
    )


def _first_paragraph(markdown: str) -> str:
    for block in re.split(r"\n\s*\n", markdown):
        block = " ".join(block.split())
        if block and not block.startswith(("#", "!", "<", "|", "-", "*", "`")):
            if len(block) <= LONGEST_DESCRIPTION:
                return block
            return block[: LONGEST_DESCRIPTION - 1].rsplit(" ", 1)[0] + "…"
    return ""
