"""Signed links: valid for one path until they expire."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import links

PATH = "/artifacts/0hq2"


def parts(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of `links`; tests set its only item."""
    now = [1_800_000_030.0]
    monkeypatch.setattr("marketplace.core.links.time.time", lambda: now[0])
    return now


def test_a_link_opens_what_it_names_until_it_expires(clock: list[float]):
    query = parts(links.sign(PATH, seconds=60))
    assert query["expires"] == str(1_800_000_060 + 60), "rounded up to the minute"
    for moment in (1_800_000_030.0, 1_800_000_119.0, 1_800_000_120.0):
        clock[0] = moment
        assert links.is_valid(PATH, **query)
    clock[0] = 1_800_000_120.5
    assert not links.is_valid(PATH, **query)


def test_links_of_one_minute_are_the_same(clock: list[float]):
    first = links.sign(PATH, seconds=60)
    clock[0] += 29
    assert links.sign(PATH, seconds=60) == first
    clock[0] += 1
    assert links.sign(PATH, seconds=60) != first


def test_a_link_opens_nothing_else():
    query = parts(links.sign(PATH, seconds=60))
    for path in ("/artifacts/0hq3", f"{PATH}/", "/ARTIFACTS/0hq2", "", f"{PATH}\n{query['expires']}"):
        assert not links.is_valid(path, **query)


def test_a_changed_expiry_is_refused():
    query = parts(links.sign(PATH, seconds=60))
    assert not links.is_valid(PATH, expires=str(int(query["expires"]) + 1), signature=query["signature"])


@pytest.mark.parametrize(
    "change", [lambda s: "", lambda s: s[:-1], lambda s: s.upper(), lambda s: s + "0", str.swapcase]
)
def test_a_changed_signature_is_refused(change):  # type: ignore[no-untyped-def]
    query = parts(links.sign(PATH, seconds=60))
    changed = change(query["signature"])
    assert changed != query["signature"]
    assert not links.is_valid(PATH, expires=query["expires"], signature=changed)


@given(expires=st.text(max_size=20) | st.from_regex(r"[-+ 0-9e._]{1,400}"), signature=st.text(max_size=80))
def test_no_odd_query_is_valid_or_fails(expires: str, signature: str):
    assert links.is_valid(PATH, expires=expires, signature=signature) is False


def test_a_number_written_in_another_way_is_refused():
    query = parts(links.sign(PATH, seconds=60))
    for expires in (f" {query['expires']}", f"+{query['expires']}", f"{query['expires']}.0", "٣" * 10, "9" * 5_000):
        assert not links.is_valid(PATH, expires=expires, signature=query["signature"])


def test_the_secret_decides(settings):  # type: ignore[no-untyped-def]
    query = parts(links.sign(PATH, seconds=60))
    settings.SECRET_KEY = "another secret"
    assert not links.is_valid(PATH, **query)
