"""Reads a list of prompts from text or CSV. Pure functions."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_PROMPTS = 200
MAX_PROMPT_LENGTH = 2_000
MAX_SEED = 2**32 - 1
MAX_FILE_BYTES = 1_000_000  # bytes
MAX_ERRORS = 10
SHOWN = 40
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
SEED = re.compile(r"[0-9]{1,10}", re.ASCII)
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


class UnusablePrompts(ValueError):
    """The list cannot be used; each of `errors` names the line and the reason.

    Args:
        errors: sentences for people; at most `MAX_ERRORS` are kept.
    """

    def __init__(self, errors: Sequence[str]) -> None:
        shown = list(errors[:MAX_ERRORS])
        if len(errors) > MAX_ERRORS:
            shown.append(f"And {len(errors) - MAX_ERRORS} more.")
        super().__init__(" ".join(shown))
        self.errors = tuple(shown)


@dataclass(frozen=True)
class PromptLine:
    """A prompt of the list.

    Attributes:
        line: its line, counted from 1; the last one of a record over several lines.
        seed: None if the list has none.
    """

    line: int
    text: str
    seed: int | None = None


def parse_text(text: str) -> list[PromptLine]:
    """The prompts of a text, one a line; empty lines are left out.

    Raises:
        UnusablePrompts: see `check`.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return check([PromptLine(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()])


def parse_csv(data: bytes) -> list[PromptLine]:
    """The prompts of a CSV file (RFC 4180) with a column `prompt` and, if wanted, `seed`.

    The separator is a comma or semicolon; UTF-8 with or without a byte order mark, or UTF-16 with one.

    Raises:
        UnusablePrompts: too large, not text, without the column, or see `check`.
    """
    if len(data) > MAX_FILE_BYTES:
        raise UnusablePrompts([f"The file has {len(data):,} bytes; at most {MAX_FILE_BYTES:,} are taken."])
    text = _decode(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    prompts: list[PromptLine] = []
    errors: list[str] = []
    columns: dict[str, int] | None = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row)
                continue
            prompt = row[columns["prompt"]].strip() if columns["prompt"] < len(row) else ""
            seed = row[columns["seed"]].strip() if columns.get("seed", len(row)) < len(row) else ""
            if not prompt:
                errors.append(f"Line {reader.line_num}: the prompt is empty.")
            elif seed and not (SEED.fullmatch(seed) and int(seed) <= MAX_SEED):
                errors.append(
                    f'Line {reader.line_num}: the seed "{seed[:SHOWN]}" is no whole number from 0 to {MAX_SEED}.'
                )
            else:
                prompts.append(PromptLine(reader.line_num, prompt, int(seed) if seed else None))
    except csv.Error as error:
        raise UnusablePrompts(
            [f"Line {max(reader.line_num, 1)}: this is not CSV ({error}). Is a quotation mark not closed?"]
        ) from None
    if columns is None:
        raise UnusablePrompts(["The file is empty. Its first line must name a column “prompt”."])
    if errors:
        raise UnusablePrompts(errors)
    return check(prompts)


def check(prompts: Iterable[PromptLine]) -> list[PromptLine]:
    """The prompts, if they are valid: 1 to 200, each of at most 2,000 characters, none twice with the same seed.

    Raises:
        UnusablePrompts: with the invalid lines.
    """
    prompts = list(prompts)
    errors: list[str] = []
    seen: dict[tuple[str, int | None], int] = {}
    for prompt in prompts:
        if len(prompt.text) > MAX_PROMPT_LENGTH:
            errors.append(
                f"Line {prompt.line}: the prompt has {len(prompt.text):,} characters; at most {MAX_PROMPT_LENGTH:,} "
                "are taken."
            )
        elif CONTROL.search(prompt.text):
            errors.append(f"Line {prompt.line}: the prompt holds a control character; is this a text file?")
        key = (prompt.text, prompt.seed)
        if key in seen:
            errors.append(f"Line {prompt.line}: “{_shortened(prompt.text)}” is on line {seen[key]} already.")
        seen.setdefault(key, prompt.line)
    if not prompts:
        errors.append("There is no prompt: write at least one.")
    if len(prompts) > MAX_PROMPTS:
        errors.append(f"There are {len(prompts):,} prompts; a set has at most {MAX_PROMPTS}.")
    if errors:
        raise UnusablePrompts(errors)
    return prompts


def _decode(data: bytes) -> str:
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnusablePrompts(
            [f"Line {line}: this is not UTF-8 text. Save the file as “CSV UTF-8” and upload it again."]
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UnusablePrompts([f"Line {line}: the file holds bytes that are no text. Upload a CSV file."])
    return text


def _delimiter(text: str) -> str:
    """The separator, from the first line: spreadsheets use semicolons in locales with a decimal comma."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return ";" if ";" in first and "," not in first else ","


def _columns(header: Sequence[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    if "prompt" not in names:
        named = ", ".join(f"“{name[:SHOWN]}”" for name in names if name)
        raise UnusablePrompts([f"Line 1: no column is called “prompt”; the columns are {named}."])
    return {name: position for position, name in reversed(list(enumerate(names)))}


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
