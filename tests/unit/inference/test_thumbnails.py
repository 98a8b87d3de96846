"""Thumbnails from bytes: sizes, turned and transparent pictures, and files that are no picture or a trap."""

import io
import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inference.domain.thumbnails import (
    LIGHT_BYTES,
    MAX_SOURCE_BYTES,
    SIDES,
    NoThumbnail,
    fitted,
    serves_itself,
    thumbnails_of,
)
from tests.support.pictures import animation, bomb, picture, turned


def made(data: bytes) -> Mapping[int, tuple[bytes, int, int]]:
    return thumbnails_of(io.BytesIO(data))


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as found:
        found.load()
        return found


def stored(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_both_sizes_are_made_in_the_shape_of_the_original(format: str, mode: str):
    found = made(picture(1_000, 500, format=format, mode=mode))
    assert {side: form[1:] for side, form in found.items()} == {256: (256, 128), 640: (640, 320)}
    for data, width, height in found.values():
        thumbnail = opened(data)
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (width, height))
        assert len(data) < len(picture(1_000, 500, format=format, mode=mode))


@given(width=st.integers(1, 10_000), height=st.integers(1, 10_000), side=st.sampled_from(SIDES))
def test_a_thumbnail_is_never_larger_and_keeps_the_shape(width: int, height: int, side: int):
    small = fitted(width, height, side=side)
    assert 1 <= small[0] <= min(width, side)
    assert 1 <= small[1] <= min(height, side)
    if max(width, height) <= side:
        assert small == (width, height)
    else:
        assert max(small) == side
        assert abs(small[0] * height - small[1] * width) <= max(width, height)


def test_a_heavy_picture_that_is_small_is_only_encoded_anew():
    original = picture(200, 100)
    assert len(original) > LIGHT_BYTES
    assert {side: form[1:] for side, form in made(original).items()} == {256: (200, 100), 640: (200, 100)}


def test_a_light_picture_that_is_small_serves_itself():
    original = stored(Image.new("RGB", (256, 200), "teal"))
    assert made(original) == {}
    assert serves_itself(width=256, height=200, size=len(original), side=256)
    assert not serves_itself(width=257, height=200, size=len(original), side=256)
    assert serves_itself(width=257, height=200, size=LIGHT_BYTES, side=640)
    assert not serves_itself(width=257, height=200, size=LIGHT_BYTES + 1, side=640)


def test_a_thumbnail_that_would_not_save_bytes_is_left_out():
    original = stored(Image.new("RGB", (2_000, 2_000), "teal"), "WEBP", quality=1, method=6)
    found = made(original)
    assert all(len(data) < len(original) for data, _, _ in found.values())


def test_a_turned_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (1_200, 600), "white")
    image.paste("red", (0, 0, 600, 600))  # the left half, which becomes the upper one
    data, width, height = made(stored(image, "JPEG", exif=exif))[256]
    assert (width, height) == (128, 256)
    thumbnail = opened(data)
    assert thumbnail.getexif().get(0x0112) is None
    assert thumbnail.getpixel((64, 20))[1] < 60 < 200 < thumbnail.getpixel((64, 236))[1]
    assert made(turned(900, 30))[640][1:] == (21, 640)


def test_what_is_transparent_stays_so():
    pixels = np.random.default_rng(0).integers(0, 256, (700, 700, 4), np.uint8)
    pixels[:, :350, 3], pixels[:, 350:, 3] = 0, 255
    for side in SIDES:
        thumbnail = opened(made(stored(Image.fromarray(pixels, "RGBA")))[side][0])
        assert thumbnail.mode == "RGBA"
        assert thumbnail.getpixel((10, side // 2))[3] == 0
        assert thumbnail.getpixel((side - 10, side // 2))[3] == 255
    palette = Image.fromarray(pixels, "RGBA").convert("P")
    assert opened(made(stored(palette, transparency=0))[256][0]).mode == "RGBA"


def test_greys_of_sixteen_bits_keep_their_shades():
    grey = np.tile(np.linspace(0, 65_535, 700, dtype=np.uint16), (700, 1))
    thumbnail = opened(made(stored(Image.fromarray(grey)))[256][0])
    assert [round(thumbnail.getpixel((x, 128))[0] / 16) for x in (2, 128, 253)] == [0, 8, 16]


def test_an_animation_gives_its_first_frame():
    frames = [Image.effect_noise((700, 700), 90).convert("RGB"), Image.new("RGB", (700, 700), "green")]
    moving = stored(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    thumbnail = opened(made(moving)[256][0])
    assert getattr(thumbnail, "n_frames", 1) == 1
    assert thumbnail.getpixel((0, 0)) != (0, 128, 0)
    assert made(animation()) == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", picture(700, 700)[:5_000], b"GIF89a" + bytes(50), b"<svg xmlns='http://www.w3.org/2000/svg'/>"],
    ids=["empty", "text", "cut", "gif", "svg"],
)
def test_files_that_are_no_picture_or_broken_have_none(data: bytes):
    with pytest.raises(NoThumbnail, match="is no PNG, JPEG or WebP picture, or is damaged"):
        made(data)


@pytest.mark.parametrize("side", [12_000, 30_000])
def test_a_picture_that_unpacks_to_gigabytes_is_not_unpacked(side: int):
    trap = bomb(side)
    tracemalloc.start()
    try:
        with pytest.raises(NoThumbnail, match="more than 67,108,864 pixels"):
            made(trap)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_file_of_too_many_bytes_is_not_read(tmp_path):  # type: ignore[no-untyped-def]
    with (tmp_path / "sparse").open("w+b") as file:
        file.truncate(MAX_SOURCE_BYTES + 1)
        with pytest.raises(NoThumbnail, match="more than 67,108,864 bytes"):
            thumbnails_of(file)
