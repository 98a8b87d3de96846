"""Routes with several kinds of parameters, and ranges of files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.domain import RESERVED_SLUGS
from marketplace.api.front.blobs import span_of
from marketplace.api.front.routing import Route


async def handler() -> None: ...


def match(template: str, path: str) -> dict[str, str] | None:
    found = Route(("GET",), template, handler).pattern().fullmatch(path)
    return found.groupdict() if found else None


def test_a_path_takes_several_segments_and_a_name_one():
    template = "/{owner:namespace}/{name}/resolve/{revision}/{path:path}"
    expected = {"owner": "acme", "name": "logo.v1", "revision": "main", "path": "unet/config.json"}
    assert match(template, "/acme/logo.v1/resolve/main/unet/config.json") == expected
    assert match(template, "/acme/logo/resolve/main/") is None
    assert match(template, "/acme/a/b/resolve/main/x") is None


def test_what_is_not_a_parameter_is_literal():
    assert match("/{owner}/{name}.git/x", "/a/b.git/x") == {"owner": "a", "name": "b"}
    assert match("/{owner}/{name}.git/x", "/a/b-git/x") is None


@pytest.mark.parametrize("reserved", sorted(RESERVED_SLUGS))
def test_a_namespace_is_never_an_address_of_the_site(reserved: str):
    assert match("/{owner:namespace}/{name}", f"/{reserved}/x") is None
    assert match("/{owner:namespace}/{name}", f"/{reserved}s/x") == {"owner": f"{reserved}s", "name": "x"}


@given(st.integers(0, 100), st.integers(0, 150), st.none() | st.integers(0, 150))
def test_a_range_is_the_bytes_that_it_names(size: int, first: int, last: int | None):
    data = bytes(range(size % 256))
    span = span_of(f"bytes={first}-{'' if last is None else last}", size)
    assert span is not None
    assert data[span[0] : max(span)] == data[first : None if last is None else last + 1]
    assert span[1] <= size


@given(st.integers(0, 100), st.integers(0, 150))
def test_a_range_from_the_end(size: int, count: int):
    span = span_of(f"bytes=-{count}", size)
    assert span == (max(0, size - count), size)


@given(st.text(max_size=20))
def test_any_text_is_a_range_or_none(text: str):
    span = span_of(text, 10)
    assert span is None or (span[0] >= 0 and span[1] <= 10)


@pytest.mark.parametrize("text", [None, "", "bytes=-", "bytes=1-2,4-5", "bytes 1-2", "items=1-2", "bytes=a-b"])
def test_other_forms_are_ignored(text: str | None):
    assert span_of(text, 10) is None
