"""Valid pictures, and references to them in inputs."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.domain.admission import InputCheck
from inference.domain.files import NotAPicture, inspect_picture, media_fields, read_data_uri, unsuitable
from marketplace.core.files import FileReference, reference_in, references_in
from marketplace.core.problems import Invalid
from tests.support.pictures import animation, data_uri, picture, turned

REFERENCE = FileReference("ab" * 32, "image/png", 100, 30, 40)
SEEDS = {format: picture(24, 20, format=format) for format in ("PNG", "JPEG", "WEBP")}


@pytest.mark.parametrize(
    ("format", "mode"),
    [("PNG", mode) for mode in ("RGB", "L", "1", "RGBA", "P")]
    + [("JPEG", mode) for mode in ("RGB", "L", "CMYK")]
    + [("WEBP", mode) for mode in ("RGB", "L", "RGBA")],
)
def test_pictures_of_all_kinds_are_read(format: str, mode: str):
    media_type = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}[format]
    assert inspect_picture(io.BytesIO(picture(24, 20, format=format, mode=mode))) == (media_type, 24, 20)


def test_a_turned_picture_has_the_sides_that_people_see():
    assert inspect_picture(io.BytesIO(turned(24, 20))) == ("image/jpeg", 20, 24)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no PNG, JPEG or WebP picture, or is damaged"),
        (b"GIF89a" + bytes(50), "is no PNG, JPEG or WebP picture, or is damaged"),
        (SEEDS["JPEG"][:-100], "is no PNG, JPEG or WebP picture, or is damaged"),
        (SEEDS["PNG"][:-100], "is no PNG, JPEG or WebP picture, or is damaged"),
        (SEEDS["WEBP"][:-100], "is no PNG, JPEG or WebP picture, or is damaged"),
        (animation(), "is an animation; send one picture"),
        (
            picture(4_097, 4_096, mode="1"),
            "is a picture of 4097×4096 with more than 16,777,216 pixels; make it smaller",
        ),
    ],
)
def test_a_file_that_is_not_a_picture_is_refused_with_the_reason(data: bytes, reason: str):
    with pytest.raises(NotAPicture) as refused:
        inspect_picture(io.BytesIO(data))
    assert str(refused.value) == reason


@settings(max_examples=200, deadline=None, database=None)
@given(format=st.sampled_from(sorted(SEEDS)), at=st.integers(0, 10_000), junk=st.binary(min_size=1, max_size=8))
def test_damaged_files_are_refused_or_harmless(format: str, at: int, junk: bytes):
    data = bytearray(SEEDS[format])
    place = at % len(data)
    data[place : place + len(junk)] = junk
    try:
        _, width, height = inspect_picture(io.BytesIO(bytes(data)))
    except NotAPicture:
        return
    assert width * height <= 16_777_216


@pytest.mark.parametrize("text", ["data:", "data:image/png,abc", "image/png;base64,abc", "data:image/png;base64", "x"])
def test_invalid_data_uris_are_refused(text: str):
    with pytest.raises(NotAPicture, match="must be a data: URI in base64"):
        read_data_uri(text)


def test_data_uris_with_and_without_a_type():
    assert read_data_uri(data_uri(b"abc")) == b"abc"
    assert read_data_uri("data:;base64,YWJj") == b"abc"
    assert read_data_uri("data:image/png;name=a.png;base64,YWJj") == b"abc"
    for wrong in ("YWJ", "YW Jj", "YWJj\n", "é"):
        with pytest.raises(NotAPicture, match="is no|no valid base64"):
            read_data_uri(f"data:;base64,{wrong}")


def test_a_reference_comes_back_from_its_document():
    document = REFERENCE.document()
    assert document == {"$file": "ab" * 32, "media_type": "image/png", "size": 100, "width": 30, "height": 40}
    assert reference_in(document) == REFERENCE
    assert references_in({"image": document, "prompt": "$file", "seed": 1, "other": {"a": 1}}) == {"image": REFERENCE}


def test_a_caller_cannot_bring_a_reference_of_their_own():
    schema = {"properties": {"options": {"type": "object"}, "image": {"type": "string", "x-media": "image"}}}
    assert list(media_fields(schema)) == ["image"]
    check = InputCheck.compile(schema)
    assert check.apply({"options": {"a": 1}}) == {"options": {"a": 1}}
    with pytest.raises(Invalid, match=r"input.options must not be an object with the key \$file"):
        check.apply({"options": REFERENCE.document()})


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (30, 40, None),
        (31, 40, "is 30×40 pixels; each side must have 31 to 40"),
        (1, 39, "is 30×40 pixels; each side must have 1 to 39"),
    ],
)
def test_the_sides_that_a_field_takes(low: int, high: int, reason: str | None):
    assert unsuitable(REFERENCE, {"x-min-side": low, "x-max-side": high}) == reason


def test_a_large_wrong_value_is_not_written_out():
    check = InputCheck.compile({"properties": {"image": {"type": "string", "x-media": "image"}}})
    with pytest.raises(Invalid) as refused:
        check.apply({"image": [1] * 1_000_000})
    assert len(refused.value.detail) < 200
