"""The words of models and searches, and how a search's words become a query of PostgreSQL. Pure functions.

Texts of models and searches are split by the same rule here, not by PostgreSQL's parser, which takes names such as
`icon-matte` or `apache-2.0` for host names, hyphenated words and negative numbers.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

MAX_WORD_LENGTH = 40
MAX_SEARCH_WORDS = 8
MAX_SEARCH_LENGTH = 1_000  # characters that are read of a search
MAX_TEXT_LENGTH = 8_000  # characters that are read of one text of a model
MAX_POSITION = 16_383  # PostgreSQL's limit
MIN_CORRECTED_LENGTH = 3

_ACCENT = re.compile("[\u0300-\u036f]")  # marks of other scripts make other letters
_WORD = re.compile(r"[^\W_]+")


def words_in(text: str, *, longest: int = MAX_TEXT_LENGTH) -> Iterable[str]:
    """The words of a text in order: letters and digits without case and accents, at most 40 of each word."""
    decomposed = unicodedata.normalize("NFKD", text[:longest].casefold())
    plain = unicodedata.normalize("NFC", _ACCENT.sub("", decomposed))
    return (match[0][:MAX_WORD_LENGTH] for match in _WORD.finditer(plain))


def search_words(text: str) -> list[str]:
    """The first eight different words of a search."""
    return list(islice(dict.fromkeys(words_in(text, longest=MAX_SEARCH_LENGTH)), MAX_SEARCH_WORDS))


def vector_of(texts: Mapping[str, Sequence[str]]) -> str:
    """The text form of a tsvector of these texts by their weight, `A` (the most important) to `D`.

    A word stands once in each weight, at its first position, which keeps vectors of long cards small.
    """
    places: dict[str, dict[str, int]] = defaultdict(dict)
    position = 0
    for weight, group in texts.items():
        for word in (word for text in group for word in words_in(text)):
            position = min(position + 1, MAX_POSITION)
            places[word].setdefault(weight, position)
    return " ".join(
        f"'{word}':{','.join(f'{at}{weight}' for weight, at in found.items())}" for word, found in places.items()
    )


def prefix_query(words: Iterable[str], stems: Mapping[str, str]) -> str:
    """The text form of the tsquery for texts that have each word, or a word that begins with it or with its stem.

    Args:
        stems: the English stems of words; an empty one marks a word such as "the", which counts only among its like.
    """
    words = list(words)
    telling = [word for word in words if stems.get(word) != ""] or words
    return " & ".join(f"({' | '.join(_alternatives(word, stems.get(word)))})" for word in telling)


def _alternatives(word: str, stem: str | None) -> list[str]:
    return [f"'{one}':*" for one in dict.fromkeys([word, stem or word])]


def nearest(word: str, candidates: Mapping[str, tuple[int, int]]) -> str | None:
    """The candidate with the fewest edits from a word: at most one in a word of up to five letters, else two.

    Args:
        candidates: words, with the number of models that have each in a title, and anywhere. Of equally near ones that
            of most titles is taken, then that of most models.
    """
    most = 1 if len(word) <= 5 else 2
    near = [(edits(word, one), -titled, -documents, one) for one, (titled, documents) in candidates.items()]
    found = min((one for one in near if one[0] <= most), default=None)
    return found[-1] if found else None


def edits(a: str, b: str) -> int:
    """How many letters must be inserted, removed, replaced or swapped with their neighbour to make `b` of `a`."""
    before, last = [0] * (len(b) + 1), list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        row = [i]
        for j, right in enumerate(b, 1):
            best = min(row[-1] + 1, last[j] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
