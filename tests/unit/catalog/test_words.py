"""The words of models and searches."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.words import (
    MAX_SEARCH_WORDS,
    MAX_WORD_LENGTH,
    edits,
    nearest,
    prefix_query,
    search_words,
    vector_of,
    words_in,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("icon-workhorse", ["icon", "workhorse"]),
        ("apache-2.0", ["apache", "2", "0"]),
        ("lumen/icon_matte:v2", ["lumen", "icon", "matte", "v2"]),
        ("Größe ÉLAN ﬁn", ["grosse", "elan", "fin"]),
        ("!&|():*<-> \u202e \0", []),
        ("日本語 モデル", ["日本語", "モデル"]),
        ("https://example.com/a?b", ["https", "example", "com", "a", "b"]),
    ],
)
def test_the_words_of_a_text(text: str, words: list[str]):
    assert list(words_in(text)) == words


def test_a_search_has_few_and_short_words():
    assert search_words(" ".join(f"w{number}" for number in range(10_000))) == [
        f"w{number}" for number in range(MAX_SEARCH_WORDS)
    ]
    assert search_words("x" * 10_000) == ["x" * MAX_WORD_LENGTH]
    assert search_words("a A a\tb") == ["a", "b"]


@given(st.text())
def test_words_need_no_escaping(text: str):
    for word in words_in(text):
        assert word.isalnum() or all(not sign.isspace() and sign not in "'\\:&|!()<>*" for sign in word)
        assert 0 < len(word) <= MAX_WORD_LENGTH


def test_a_vector_has_each_word_once_in_each_weight():
    assert vector_of({"A": ["icon-matte"], "D": ["A matte, a matte."]}) == "'icon':1A 'matte':2A,4D 'a':3D"


def test_a_query_has_each_word_or_its_stem_as_prefixes():
    assert prefix_query(["icons", "matte"], {"icons": "icon", "matte": "matt"}) == (
        "('icons':* | 'icon':*) & ('matte':* | 'matt':*)"
    )
    assert prefix_query(["the", "icon"], {"the": "", "icon": "icon"}) == "('icon':*)"
    assert prefix_query(["the"], {"the": ""}) == "('the':*)"


@pytest.mark.parametrize(
    ("a", "b", "count"),
    [("", "", 0), ("quik", "quick", 1), ("icns", "icons", 1), ("mate", "matte", 1), ("workhrose", "workhorse", 1),
     ("abc", "", 3), ("kitten", "sitting", 3)],
)  # fmt: skip
def test_edits(a: str, b: str, count: int):
    assert edits(a, b) == edits(b, a) == count


@given(*[st.text(alphabet=string.ascii_lowercase[:4], max_size=7)] * 3)
def test_edits_are_at_most_those_by_way_of_insertions(a: str, b: str, c: str):
    assert (edits(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edits(a, b) <= max(len(a), len(b))
    assert edits(a + c, b + c) <= edits(a, b)


def test_the_nearest_word_is_one_of_titles():
    candidates = {"made": (0, 900), "matte": (1, 1), "make": (0, 950)}
    assert nearest("mate", candidates) == "matte"
    assert nearest("mate", {"made": (0, 1), "make": (0, 2)}) == "make"
    assert nearest("mate", {"matting": (9, 9)}) is None
    assert nearest("mate", {}) is None
