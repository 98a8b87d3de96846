"""The playground's estimate, and the price form's choice of a unit."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from billing.ledger.models import Hold
from billing.pricing.domain import Unit
from billing.pricing.models import Price
from billing.pricing.services.prices import set_price
from inference.models import Prediction
from inference.services.files import keep_upload
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.catalog.services import resolution
from marketplace.core.ids import short
from tests.support.parties import Party, make_buyer, make_listing, make_party
from tests.support.pictures import picture
from tests.support.single_models import save_super_resolution

pytestmark = pytest.mark.usefixtures("database")


def address(listing: Listing) -> str:
    return f"/{listing.model.organization.slug}/{listing.model.name}"


def sell_by(listing: Listing, unit: Unit, amount: int) -> None:
    owner = str(listing.model.organization_id)
    set_price(sku=sku_of(listing.model_id), unit=unit, amount=amount, payee=owner)


def ask(listing: Listing, inputs: Any, *, client: Client | None = None, status: int = 200) -> dict[str, Any]:
    body = json.dumps({"input": inputs})
    answer = (client or Client()).post(f"{address(listing)}/estimate", body, content_type="application/json")
    assert answer.status_code == status
    found: dict[str, Any] = answer.json()
    return found


def signed_in(party: Party) -> Client:
    client = Client()
    client.force_login(party.user)
    return client


def test_anybody_learns_what_a_run_costs_before_the_form_is_complete():
    listing = make_listing(unit_price=4_000)
    assert ask(listing, {}) == {"price": "$0.004", "quantity": ""}
    assert ask(listing, {"num_outputs": 3}) == {"price": "$0.012", "quantity": ""}
    assert not Prediction.objects.filter(model=listing.model_id).exists()
    assert not Hold.objects.filter(price__sku=sku_of(listing.model_id)).exists()


def test_the_estimate_follows_the_unit_that_the_model_is_sold_by():
    listing = make_listing()
    sell_by(listing, Unit.MEGAPIXEL, 1_000_000)
    given = {"num_outputs": 2, "width": 128, "height": 64}
    assert ask(listing, given) == {"price": "$0.016384", "quantity": "0.0164 megapixels"}
    sell_by(listing, Unit.MEGAPIXEL_STEP, 1_000_000)
    resolution.forget(resolution.Reference(listing.model.organization.slug, listing.model.name))
    found = ask(listing, given | {"num_inference_steps": 10})
    assert found == {"price": "$0.16384", "quantity": "0.164 megapixel-steps"}


def test_what_is_wrong_is_said_of_the_field_and_what_is_missing_is_not():
    found = ask(make_listing(), {"num_outputs": 9}, status=422)
    assert found["errors"] == [{"field": "input.num_outputs", "detail": "Pictures must be at most 4, not 9"}]
    assert ask(make_listing(), "a text", status=422)["title"]


def test_a_picture_decides_the_price_once_it_is_there(tmp_path: Path):
    import io

    buyer = make_buyer(credit=5_000_000)
    listing = make_listing(folder=save_super_resolution(tmp_path / "model"))
    sell_by(listing, Unit.MEGAPIXEL, 2_000_000)
    upload = keep_upload(
        caller=buyer.actor,
        source=io.BytesIO(picture(64, 72)),
        name="cat.png",
        metadata={},
    )
    given = {"image": f"/v1/files/{short(upload.pk)}"}
    assert ask(listing, {}) == {"price": "$2.00 a megapixel", "quantity": ""}
    assert ask(listing, given) == {"price": "$2.00 a megapixel", "quantity": ""}, "a stranger's files are not looked at"
    known = ask(listing, given, client=signed_in(buyer))
    assert known == {"price": "$0.036864", "quantity": "0.0184 megapixels"}
    other = ask(listing, given, client=signed_in(make_buyer(credit=0)), status=422)
    assert [error["field"] for error in other["errors"]] == ["input.image"]


def test_the_page_opens_with_the_price_of_what_its_form_holds():
    listing = make_listing(unit_price=4_000)
    page = Client().get(f"{address(listing)}?num_outputs=3&prompt=x").content.decode()
    assert 'data-price="$0.012"' in page
    wrong = Client().get(f"{address(listing)}?num_outputs=many").content.decode()
    assert 'data-price="$0.004"' in wrong
    sell_by(listing, Unit.REQUEST, 9_000)
    page = Client().get(f"{address(listing)}?num_outputs=3").content.decode()
    assert 'data-price="$0.009"' in page
    assert "<dt>Price per request</dt>" in page


def test_a_provider_chooses_the_unit_among_those_that_the_task_measures():
    provider = make_party(can_buy=False, can_provide=True)
    listing = make_listing(provider=provider, unit_price=4_000)
    client, place = signed_in(provider), f"/provider/{provider.organization.slug}/models/{listing.model.name}"
    page = client.get(place).content.decode()
    assert [unit for unit in Unit if f'<option value="{unit}"' in page] == [
        Unit.IMAGE,
        Unit.MEGAPIXEL,
        Unit.MEGAPIXEL_STEP,
        Unit.REQUEST,
    ]
    preview = client.get(f"{place}/preview", {"unit": "megapixel_step", "price": "0.0005"}).content.decode()
    assert "Megapixel-steps" in preview
    assert "$0.05" in preview  # of a hundred

    assert client.post(f"{place}/price", {"unit": "device_second", "price": "0.5"}).status_code == 422
    assert client.post(f"{place}/price", {"unit": "megapixel", "price": "0.5"}).status_code == 302

    units = Price.objects.filter(sku=sku_of(listing.model_id)).order_by("version").values_list("unit", "amount")
    assert list(units) == [("image", 4_000), ("megapixel", 500_000)]
    assert "$0.50 a megapixel" in client.get(place).content.decode()
