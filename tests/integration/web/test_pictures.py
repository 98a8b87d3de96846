"""Pages that show many pictures link thumbnails; their HTML is compressed, and its secrets are masked."""

import gzip
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from inference.models import Artifact, Example, Prediction
from marketplace.accounts.models import User
from marketplace.benchmarks.services.voting import reveal
from marketplace.catalog.models import Listing
from marketplace.core.ids import short
from tests.support.benchmark_market import BenchmarkCase, colleague_of
from tests.support.parties import Party, make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")

IMAGE = re.compile(r"<img\b[^>]*>")
GZIP = {"Accept-Encoding": "gzip, deflate, br"}
TOKEN = re.compile(r'(?:csrfmiddlewaretoken" value=|X-CSRFToken": )"(\w{64})"')
LARGE = {"sha256": "1" * 64, "media_type": "image/png", "size": 900_000, "width": 1_024, "height": 768}


def pictures_in(page: str) -> list[dict[str, str]]:
    """The attributes of the page's pictures that the market stores."""
    found = [dict(re.findall(r'(\w+)="([^"]*)"', image)) for image in IMAGE.findall(page)]
    return [
        {name: unescape(value) for name, value in one.items()} for one in found if "signature" in one.get("src", "")
    ]


def assert_small(page: str, *, at_least: int) -> None:
    """Every picture is a thumbnail, in two sizes and with its place kept free."""
    pictures = pictures_in(page)
    assert len(pictures) >= at_least
    for one in pictures:
        assert one["src"].endswith("&size=256"), one
        assert (one["width"], one["height"]) == ("640", "480")
        addresses = [part.split() for part in one["srcset"].split(", ")]
        path = one["src"].removesuffix("&size=256")
        assert addresses == [[f"{path}&size=256", "256w"], [f"{path}&size=640", "640w"]]
        assert one["sizes"]


@pytest.fixture
def listing() -> Listing:
    """A model on sale whose version has examples."""
    listing = make_listing()
    for position in range(4):
        Example.objects.update_or_create(
            version_id=listing.version_id,
            position=position,
            defaults={"input": {"prompt": 'a "fox"'}, "seconds": 1.0} | LARGE,
        )
    return listing


@pytest.fixture
def visitor() -> tuple[Client, Party]:
    party, client = make_party(can_buy=True, can_provide=True), Client()
    client.force_login(party.user)
    return client, party


def test_the_catalogue_links_no_full_picture(listing: Listing):
    page = Client().get(f"/models?q={listing.model.name}").content.decode()
    assert_small(page, at_least=4)


def test_the_front_page_links_no_full_picture(listing: Listing):
    page = Client().get("/").content.decode()
    assert all("&size=256" in one["src"] for one in pictures_in(page))


def test_the_models_page_shows_one_full_picture_and_the_others_small(listing: Listing):
    page = Client().get(f"/{listing.model.organization.slug}/{listing.model.name}").content.decode()
    full = [one for one in pictures_in(page) if "size=" not in one["src"]]
    assert len(full) == 1
    assert_small(page[page.index('class="mosaic"') :], at_least=4)
    assert 'alt="a &quot;fox&quot;"' in page


def test_lists_of_predictions_and_grids_of_benchmarks_link_no_full_picture():
    case = BenchmarkCase(prompts=2)
    case.start()
    case.run_to_the_end()
    Artifact.objects.filter(prediction__organization=case.buyer.organization).update(**LARGE)
    assert Prediction.objects.filter(organization=case.buyer.organization).exists()
    member, client = colleague_of(case.buyer), Client()
    client.force_login(User.objects.get(pk=member.person))
    base = f"/console/{case.buyer.organization.slug}"
    assert_small(client.get(f"{base}/predictions").content.decode(), at_least=2)
    reveal(actor=member, benchmark_id=case.id)
    assert_small(client.get(f"{base}/benchmarks/{short(case.id)}").content.decode(), at_least=4)


def test_a_small_picture_has_one_form(listing: Listing):
    Example.objects.filter(version=listing.version_id).update(width=200, height=100)
    (first, *_) = pictures_in(Client().get(f"/models?q={listing.model.name}").content.decode())
    assert (first["width"], first["height"], "srcset" in first) == ("200", "100", False)


def decompressed(answer: Any) -> str:
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    return gzip.decompress(answer.content).decode()


def test_pages_are_compressed_for_clients_that_accept_it(listing: Listing):
    path = f"/models?q={listing.model.name}"
    plain = Client().get(path)
    assert "Content-Encoding" not in plain.headers
    packed = Client().get(path, headers=GZIP)
    assert TOKEN.sub("", decompressed(packed)) == TOKEN.sub("", plain.content.decode())
    assert len(packed.content) < len(plain.content) / 2
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    refused = Client().get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers


def test_the_apis_lists_are_compressed(listing: Listing):
    answer = Client().get("/v1/models", headers=GZIP)
    assert "results" in decompressed(answer)


def test_the_length_of_a_page_does_not_tell_what_is_in_it(listing: Listing):
    """Against BREACH: the same page has another length each time, and another token."""
    lengths = {len(Client().get("/models?q=zeppelin", headers=GZIP).content) for _ in range(20)}
    assert len(lengths) > 5


def test_two_renderings_of_a_page_have_different_tokens(visitor: tuple[Client, Party]):
    client, party = visitor
    first, second = (
        TOKEN.findall(client.get(f"/console/{party.organization.slug}/keys").content.decode()) for _ in range(2)
    )
    assert len(first) == len(second) > 1
    assert not set(first) & set(second)


def test_a_new_key_stands_in_one_answer_only(visitor: tuple[Client, Party]):
    """What is never sent again cannot be guessed by comparing the lengths of many answers."""
    client, party = visitor
    address = f"/console/{party.organization.slug}/keys"
    shown = client.post(address, {"name": "of a test"}, headers=GZIP)
    (key,) = re.findall(r"data-new-key>([^<]+)<", decompressed(shown))
    assert shown.headers["Cache-Control"] == "no-store"
    again = client.get(address).content.decode()
    assert "of a test" in again
    assert key not in again
