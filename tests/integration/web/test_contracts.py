"""Pages of outcome contracts: forms, refusals, and who finds what."""

import re

import pytest
from django.test import Client

from billing.outcomes.domain import OutcomeState, Verdict
from billing.outcomes.models import OutcomeContract, OutcomeOffer
from inference.worker.claims import complete
from marketplace.accounts.models import Organization
from marketplace.catalog.models import Listing
from marketplace.core.ids import short
from tests.integration.inference.test_contracts import offer_to, run, sign
from tests.support.inference_market import (
    CREDIT,
    ListedModel,
    balance_of_buyer,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
    succeeded,
)
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")  # type: ignore[arg-type]
    return client


@pytest.fixture
def sale() -> ListedModel:
    sale = make_priced_model()
    Listing.objects.get_or_create(model_id=sale.target.model_id, defaults={"version_id": sale.target.version})
    return sale


@pytest.fixture
def provider(sale: ListedModel) -> Organization:
    return Organization.objects.get(pk=sale.provider)


TERMS = {
    "model": "m",
    "price": "0.006",
    "review_hours": "24",
    "most_unreviewed": "",
    "note": "For spring.\r\nTwo lines.",
}


def test_an_offer_is_made_signed_and_ended_by_forms(sale: ListedModel, provider: Organization):
    buyer = make_buyer()
    client = signed_in(buyer.user)  # one person founded all organisations of these tests
    made = client.post(f"/provider/{provider.slug}/contracts/new", TERMS | {"buyer": buyer.organization.slug.upper()})
    offer = OutcomeOffer.objects.get(provider=sale.provider)
    assert made.headers["Location"] == f"/provider/{provider.slug}/contracts/offers/{short(offer.pk)}"
    assert (offer.price.amount, offer.review_hours, offer.most_unreviewed) == (6_000, 24, None)
    assert offer.note == "For spring.\nTwo lines."
    page = f"/console/{buyer.organization.slug}/contracts/offers/{short(offer.pk)}"
    assert offer.hash in client.get(page).content.decode()
    assert client.post(page, {"hash": "0" * 64}).status_code == 409
    assert not OutcomeContract.objects.filter(offer=offer).exists()
    client.post(page, {"hash": offer.hash})
    contract = OutcomeContract.objects.get(offer=offer)
    address = f"/contracts/{short(contract.pk)}"
    for side, slug in (("console", buyer.organization.slug), ("provider", provider.slug)):
        assert client.get(f"/{side}/{slug}/contracts").status_code == 200
        assert client.get(f"/{side}/{slug}{address}").status_code == 200
    client.post(f"/provider/{provider.slug}{address}/end")
    contract.refresh_from_db()
    assert contract.ended_for == sale.provider


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": "0"}, "price"),
        ({"price": "free"}, "price"),
        ({"price": "0.0000001"}, "price"),
        ({"review_hours": ""}, "review_hours"),
        ({"review_hours": "9999"}, "review_hours"),
        ({"review_hours": "-1"}, "review_hours"),
        ({"most_unreviewed": "some"}, "most_unreviewed"),
        ({"most_unreviewed": "0"}, "most_unreviewed"),
        ({"model": "nothing"}, "model"),
        ({"model": "\0"}, "model"),
        ({"buyer": "nobody-at-all"}, "buyer"),
        ({"buyer": "\0"}, "buyer"),
        ({"note": "x" * 1_001}, "note"),
    ],
)
def test_an_invalid_term_is_shown_at_its_field(
    sale: ListedModel, provider: Organization, change: dict[str, str], field: str
):
    client = signed_in(make_buyer().user)
    answer = client.post(f"/provider/{provider.slug}/contracts/new", TERMS | {"buyer": ""} | change)
    assert answer.status_code == 422
    assert re.search(rf'id="id_{field}_error"', answer.content.decode())
    assert not OutcomeOffer.objects.filter(provider=sale.provider).exists()


def deliver(buyer: Party, sale: ListedModel, contract: OutcomeContract, images: int):  # type: ignore[no-untyped-def]
    id_ = run(buyer, sale, contract, num_outputs=images)
    complete([succeeded(one) for one in claim_all(sale, make_node())])
    return id_


def test_verdicts_from_the_reviewers_page(sale: ListedModel):
    buyer = make_buyer()
    contract = sign(buyer, offer_to(buyer, sale))
    id_ = deliver(buyer, sale, contract, 2)
    client = signed_in(buyer.user)
    base = f"/console/{buyer.organization.slug}/contracts/{short(contract.pk)}"

    def verdict(position: int, verdict: Verdict, reason: str = ""):  # type: ignore[no-untyped-def]
        body = {"prediction": short(id_), "position": position, "verdict": verdict.value, "reason": reason}
        return client.post(f"{base}/verdicts", body, content_type="application/json")

    assert client.get(f"{base}/review").content.decode().count('"prediction"') == 2
    first = verdict(1, Verdict.REJECTED, "pale")
    assert (first.status_code, first.json()["outcome"]) == (201, OutcomeState.OBSERVING)
    assert client.get(f"{base}/review").content.decode().count('"prediction"') == 1
    assert verdict(1, Verdict.ACCEPTED).status_code == 409
    last = verdict(0, Verdict.ACCEPTED)
    assert last.json() == {
        "verdict": "accepted",
        "outcome": "settled",
        "accepted": 1,
        "rejected": 1,
        "charged_micro": 6_000,
    }
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - 6_000, 0)
    assert client.post(f"{base}/verdicts", b"no", content_type="application/json").status_code == 400
    assert client.get(f"{base}/review").status_code == 200


def test_other_organisations_and_the_wrong_side_get_404(sale: ListedModel, provider: Organization):
    buyer, stranger = make_buyer(), make_party(can_buy=True, can_provide=True)
    offer = offer_to(buyer, sale)
    contract = sign(buyer, offer)
    id_ = deliver(buyer, sale, contract, 1)
    mine, theirs = buyer.organization.slug, stranger.organization.slug
    body = {"prediction": short(id_), "position": 0, "verdict": "accepted"}

    def statuses(client: Client, slug: str, side: str) -> set[int]:
        base = f"/{side}/{slug}/contracts/{short(contract.pk)}"
        gets = [base, f"/{side}/{slug}/contracts/offers/{short(offer.pk)}"]
        gets += [f"{base}/review"] if side == "console" else []
        found = {client.get(address).status_code for address in gets}
        found.add(client.post(f"{base}/end").status_code)
        if side == "console":
            found.add(client.post(f"{base}/verdicts", body, content_type="application/json").status_code)
        return found

    foreign = signed_in(stranger.user)
    for slug in (mine, provider.slug, theirs):
        for side in ("console", "provider"):
            assert statuses(foreign, slug, side) == {404}, (side, slug)
    own = signed_in(buyer.user)
    assert own.get(f"/provider/{mine}/contracts/{short(contract.pk)}").status_code == 404
    assert own.get(f"/console/{provider.slug}/contracts/{short(contract.pk)}").status_code == 404
    for wrong in ("x", "0" * 26):
        assert own.get(f"/console/{mine}/contracts/{wrong}").status_code == 404
    contract.refresh_from_db()
    assert contract.ended_at is None
    assert balance_of_buyer(buyer).held == 6_000


def test_the_provider_sees_reasons_but_neither_prompts_nor_pictures(sale: ListedModel, provider: Organization):
    buyer = make_buyer()
    contract = sign(buyer, offer_to(buyer, sale))
    id_ = run(buyer, sale, contract, prompt="a secret logo")
    complete([succeeded(one) for one in claim_all(sale, make_node())])
    client = signed_in(buyer.user)
    body = {"prediction": short(id_), "position": 0, "verdict": "rejected", "reason": "too <b>pale</b>"}
    base = f"/console/{buyer.organization.slug}/contracts/{short(contract.pk)}"
    client.post(f"{base}/verdicts", body, content_type="application/json")
    page = client.get(f"/provider/{provider.slug}/contracts/{short(contract.pk)}").content.decode()
    assert "too &lt;b&gt;pale&lt;/b&gt;" in page
    assert "a secret logo" not in page
    assert "/artifacts/" not in page
