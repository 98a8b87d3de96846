"""Lists of prompts as people type and upload them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.benchmarks.domain.prompts import (
    MAX_FILE_BYTES,
    MAX_PROMPT_LENGTH,
    MAX_PROMPTS,
    PromptLine,
    UnusablePrompts,
    parse_csv,
    parse_text,
)


def refused(parse, given) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(UnusablePrompts) as caught:
        parse(given)
    return str(caught.value)


def test_text_has_a_prompt_a_line():
    assert parse_text("\ufeffa red heart\r\n\r\n  a gold crown \ra leaf\n") == [
        PromptLine(1, "a red heart"),
        PromptLine(3, "a gold crown"),
        PromptLine(4, "a leaf"),
    ]


def test_text_errors_name_their_lines():
    message = refused(parse_text, f"a\n{'b' * (MAX_PROMPT_LENGTH + 1)}\na\nc\x07")
    assert "Line 2: the prompt has 2,001 characters; at most 2,000" in message
    assert "Line 3: “a” is on line 1 already." in message
    assert "Line 4: the prompt holds a control character" in message


@pytest.mark.parametrize("text", ["", " \n\r\n "])
def test_an_empty_text_is_refused(text: str):
    assert "no prompt" in refused(parse_text, text)


def test_the_number_of_prompts_is_limited():
    assert len(parse_text("\n".join(map(str, range(MAX_PROMPTS))))) == MAX_PROMPTS
    assert "201 prompts" in refused(parse_text, "\n".join(map(str, range(MAX_PROMPTS + 1))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_in_the_encodings_that_spreadsheets_write(encoding: str, newline: str):
    text = newline.join(["Seed, Prompt", '7,"a ""red"" heart, big"', "", ',café "au lait', ""])
    assert parse_csv(text.encode(encoding)) == [
        PromptLine(2, 'a "red" heart, big', 7),
        PromptLine(4, 'café "au lait', None),
    ]


def test_csv_with_semicolons_and_other_columns():
    assert parse_csv(b"id;prompt;seed\n1;a heart, red;12\n2;a leaf\n") == [
        PromptLine(2, "a heart, red", 12),
        PromptLine(3, "a leaf"),
    ]


def test_csv_may_have_a_prompt_over_several_lines():
    assert parse_csv(b'prompt\n"one\ntwo"\nthree\n') == [PromptLine(3, "one\ntwo"), PromptLine(4, "three")]


def test_the_same_prompt_may_come_with_other_seeds():
    assert len(parse_csv(b"prompt,seed\na,1\na,2\n")) == 2
    assert "Line 3: “a” is on line 2 already." in refused(parse_csv, b"prompt,seed\na,1\na,1\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty"),
        (b"text,seed\na,1\n", "Line 1: no column is called “prompt”; the columns are “text”, “seed”."),
        (b"prompt\n", "There is no prompt"),
        (b"prompt,seed\n,1\n", "Line 2: the prompt is empty."),
        (b"prompt,seed\na,-1\nb,4294967296\nc,x\n", 'Line 2: the seed "-1" is no whole number from 0 to 4294967295.'),
        (b"prompt\ncaf\xe9\n", "Line 2: this is not UTF-8 text."),
        (b'prompt\na\n"b\n', "this is not CSV"),
        (b"prompt\na\x00b\n", "Line 2: the file holds bytes that are no text."),
        (b"\x89PNG\r\n\x1a\n\x00", "Line 1: this is not UTF-8 text."),
        (b"prompt\n" + b"a" * MAX_FILE_BYTES, "The file has 1,000,007 bytes"),
    ],
)
def test_csv_that_cannot_be_used(data: bytes, message: str):
    assert message in refused(parse_csv, data)


def test_errors_are_cut_after_ten():
    errors = refused(parse_csv, b"prompt,seed\n" + b"a,x\n" * 25)
    assert "Line 11" in errors
    assert "Line 12" not in errors
    assert errors.endswith("And 15 more.")


PROMPTS = st.lists(
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=60).map(str.strip).filter(bool),
    min_size=1,
    max_size=20,
    unique=True,
)


@given(PROMPTS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_what_was_written_as_csv_is_read_back(texts: list[str], encoding: str):
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["prompt", "seed"])
    writer.writerows([text, seed] for seed, text in enumerate(texts))
    lines = parse_csv(file.getvalue().encode(encoding))
    assert [(line.text, line.seed) for line in lines] == [(text, seed) for seed, text in enumerate(texts)]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes):
    try:
        lines = parse_csv(data)
    except UnusablePrompts:
        return
    assert lines
