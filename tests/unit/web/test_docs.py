"""The documentation's pages know of each other."""

import re
from pathlib import Path

import pytest

from marketplace.web.public.docs import DOCS, doc_title

DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
INDEX = (DOCS / "decisions" / "README.md").read_text()
LINK = re.compile(r"\]\(/docs/([a-z0-9/-]+)[)#]")


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda file: file.stem)
def test_the_index_lists_each_decision_by_its_title(decision: Path) -> None:
    title = doc_title(decision.read_text())
    assert f"- [{title}](/docs/decisions/{decision.stem})\n" in INDEX


def test_decisions_are_listed_in_the_order_of_their_numbers_and_no_number_is_taken_twice() -> None:
    numbers = [int(file.stem[:4]) for file in DECISIONS]
    listed = [int(number) for number in re.findall(r"^- \[(\d+)\. ", INDEX, re.MULTILINE)]
    assert listed == numbers == sorted(set(numbers))


@pytest.mark.parametrize("file", sorted(DOCS.rglob("*.md")), ids=lambda file: str(file.relative_to(DOCS)))
def test_links_between_pages_lead_somewhere(file: Path) -> None:
    for name in LINK.findall(file.read_text()):
        assert (DOCS / f"{name}.md").is_file() or (DOCS / name / "README.md").is_file(), name
