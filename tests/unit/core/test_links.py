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
    assert query["expires"] == str(1_800_003_600 + 60), "rounded up to the hour"
    for moment in (1_800_000_030.0, 1_800_003_659.0, 1_800_003_660.0):
        clock[0] = moment
        assert links.is_valid(PATH, **query)
        assert links.seconds_left(query["expires"]) == 1_800_003_660 - moment
    clock[0] = 1_800_003_660.5
    assert not links.is_valid(PATH, **query)
    assert links.seconds_left(query["expires"]) == 0


@given(
    moment=st.integers(1_600_000_000, 4_000_000_000),
    later=st.floats(0, 3_599.9),
    seconds=st.integers(60, 7 * 24 * 3600),
)
def test_links_of_one_hour_are_the_same_and_stay_valid_for_their_time(moment: int, later: float, seconds: int):
    """Also at the hour's last moment a link is valid for all its seconds, and a new hour begins with a new link."""
    start = moment // 3600 * 3600
    with pytest.MonkeyPatch.context() as patch:
        now = [float(start)]
        patch.setattr("marketplace.core.links.time.time", lambda: now[0])
        first = links.sign(PATH, seconds=seconds)
        now[0] = start + later
        assert links.sign(PATH, seconds=seconds) == first
        assert seconds < links.seconds_left(parts(first)["expires"]) + 1 <= seconds + 3601
        now[0] += seconds
        assert links.is_valid(PATH, **parts(first))
        now[0] = start + 3600
        assert links.sign(PATH, seconds=seconds) != first
        now[0] = start + 3600 + seconds + 1
        assert not links.is_valid(PATH, **parts(first))


@pytest.mark.parametrize("expires", ["", "x", "-5", "1e9", "9" * 13, "1"])
def test_no_time_is_left_of_what_is_no_time(expires: str):
    assert links.seconds_left(expires) == 0


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
