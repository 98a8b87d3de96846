"""Figures read the same whether the server or a script writes them: format.test.js reads this table too."""

import json
from pathlib import Path

import pytest

from marketplace.web.shared.figures import duration, filesize, money

FIGURES = json.loads(Path(__file__).with_name("figures.json").read_text())


@pytest.mark.parametrize(("micro", "currency", "text"), FIGURES["money"])
def test_money(micro: int, currency: str, text: str) -> None:
    assert money(micro, currency) == text


@pytest.mark.parametrize(("seconds", "text"), FIGURES["duration"])
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("size", "text"), FIGURES["filesize"])
def test_filesize(size: int, text: str) -> None:
    assert filesize(size) == text
