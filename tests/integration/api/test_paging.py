"""The API's lists page by page: each row once, and a cursor that no page gave is refused."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from inference.models import InputFile
from marketplace.api.views import PAGE
from marketplace.catalog.models import Alias, Listing
from providers.models import ModelVersion
from tests.integration.api.conftest import Buyer

pytestmark = pytest.mark.usefixtures("database")
ROWS = PAGE * 2 + 5


def make_files(buyer: Buyer, listing: Listing) -> list[str]:
    expires = timezone.now() + timedelta(days=1)
    InputFile.objects.bulk_create(
        InputFile(
            organization=buyer.party.organization, name=f"{number:03}", sha256="0" * 64, media_type="image/png",
            size=1, width=1, height=1, expires_at=expires,
        ) for number in range(ROWS)
    )  # fmt: skip
    return list(
        InputFile.objects.filter(organization=buyer.party.organization).order_by("-id").values_list("name", flat=True)
    )


def make_aliases(buyer: Buyer, listing: Listing) -> list[str]:
    names = [f"alias-{number:03}" for number in range(ROWS)]
    Alias.objects.bulk_create(
        Alias(organization=buyer.party.organization, name=name, model=listing.model) for name in names
    )
    return [f"{buyer.party.organization.slug}/{name}" for name in names]


def make_versions(buyer: Buyer, listing: Listing) -> list[str]:
    like = listing.version
    ModelVersion.objects.bulk_create(
        ModelVersion(
            id=f"{number:040x}", model=listing.model, number=number, state=like.state, size=1,
            pipeline_class=like.pipeline_class, input_schema=like.input_schema,
        ) for number in range(2, ROWS + 1)
    )  # fmt: skip
    return list(ModelVersion.objects.filter(model=listing.model).order_by("-number").values_list("pk", flat=True))


LISTS = {
    "/v1/files": (make_files, "name"),
    "/v1/aliases": (make_aliases, "alias"),
    "/v1/models/{slug}/versions": (make_versions, "id"),
}


@pytest.mark.parametrize("path", LISTS)
def test_each_row_is_on_one_page(path: str, buyer: Buyer, listing: Listing, slug: str):
    make, name = LISTS[path]
    expected = make(buyer, listing)
    client, found, before = Client(headers={"authorization": f"Bearer {buyer.key}"}), [], []
    address: str | None = path.format(slug=slug)
    try:
        while address:
            page = client.get(address).json()
            found.append([row[name] for row in page["results"]])
            before.append(page["previous"])
            address = page["next"] and "?".join(urlsplit(page["next"])[2:4])
        assert [len(rows) for rows in found] == [PAGE, PAGE, 5]
        assert [row for rows in found for row in rows] == expected
        assert before[0] is None
        back = client.get("?".join(urlsplit(before[2])[2:4])).json()
        assert [row[name] for row in back["results"]] == found[1]
    finally:
        ModelVersion.objects.filter(model=listing.model, number__gt=1).delete()


@pytest.mark.parametrize("path", [*LISTS, "/v1/predictions"])
@pytest.mark.parametrize("cursor", ["x", "a%00b", "eyJ", "x" * 3_000, "%F0%9F%92%A3"])
def test_a_cursor_that_no_page_gave_is_refused(path: str, cursor: str, buyer: Buyer, slug: str):
    client = Client(headers={"authorization": f"Bearer {buyer.key}"})
    answer = client.get(f"{path.format(slug=slug)}?cursor={cursor}")
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, ["cursor"])
