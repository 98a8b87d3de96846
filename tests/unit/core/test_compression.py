"""Which answers are compressed: by their type, and by what the client accepts."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.compression import accepts_gzip, gzipped, is_text


@pytest.mark.parametrize(
    "header",
    ["gzip", "gzip, deflate", "deflate, gzip;q=1.0, *;q=0.5", "GZIP", "*", "br;q=1, gzip;q=0.001", "*;q=0, gzip"],
)
def test_gzip_is_accepted(header: str):
    assert accepts_gzip(header)


@pytest.mark.parametrize(
    "header", ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "identity, *;q=0", "gzip;q=0, *", "zstd,,"]
)
def test_gzip_is_not_accepted(header: str):
    assert not accepts_gzip(header)


@given(st.text(max_size=60))
def test_no_header_fails(header: str):
    assert accepts_gzip(header) in (True, False)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/html; charset=utf-8",
        "text/csv",
        "text/plain; version=0.0.4; charset=utf-8",
        "image/svg+xml",
        "application/problem+json",
        "application/vnd.git-lfs+json",
        "Text/CSS",
    ],
)
def test_texts_are_compressed(content_type: str):
    assert is_text(content_type)


@pytest.mark.parametrize(
    "content_type", ["", "image/png", "image/webp", "text/event-stream", "application/octet-stream", "video/mp4"]
)
def test_events_pictures_and_weights_are_not(content_type: str):
    assert not is_text(content_type)


@given(st.binary(max_size=5_000))
def test_what_was_compressed_comes_back(body: bytes):
    assert gzip.decompress(gzipped(body)) == body
    assert gzipped(body) == gzipped(body)
