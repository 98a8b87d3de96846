"""The operator's pages: what they find, what they leave out, and the state of the ledger."""

import secrets
import uuid

import pytest
from django.test import Client

from billing.ledger.domain import ProofState
from billing.ledger.models import Proof
from billing.pricing.domain import Unit
from billing.pricing.services.prices import set_price
from marketplace.accounts.models import AuditEvent, User
from marketplace.catalog.domain import sku_of
from marketplace.core.ids import new_id, short
from providers.models import GenerativeModel
from tests.support.inference_market import ListedModel, call, make_buyer, make_priced_model
from tests.support.parties import Party, make_operator

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=make_operator().user_id))
    return client


def text_of(client: Client, path: str, status: int = 200, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == status, (path, answer.content[:300])
    return answer.content.decode()


@pytest.fixture
def buyer() -> Party:
    return make_buyer()


@pytest.fixture
def sale() -> ListedModel:
    return make_priced_model()


def test_organisations_are_found_by_how_their_slug_starts(client: Client, buyer: Party):
    slug = buyer.organization.slug
    for text in (slug, slug[:9], slug[:9].upper()):
        assert f">{slug}</a>" in text_of(client, "/operator/organizations", q=text)
    for text in (slug[1:], f"{slug}x", "%", "_" * len(slug), "\\"):
        assert f">{slug}</a>" not in text_of(client, "/operator/organizations", q=text)


def test_people_are_found_by_how_their_address_starts(client: Client):
    email = f"t{secrets.token_hex(6)}@example.com"
    User.objects.create(email=email)
    assert email in text_of(client, "/operator/people", q=email[:10].upper())
    assert email not in text_of(client, "/operator/people", q=email[1:])


def test_models_are_found_by_how_their_name_starts(client: Client, sale: ListedModel):
    owner = sale.target.model.partition("/")[0]
    GenerativeModel.objects.filter(pk=sale.target.model_id).update(name=f"n-{owner}")
    for text in (f"n-{owner[:9]}", f"N-{owner}", f"{owner}/", f"{owner.upper()}/n-"):
        assert f">{owner}/n-{owner}</a>" in text_of(client, "/operator/models", q=text), text
    for text in (f"{owner[:9]}/n", f"{owner}/m", f"{owner}/%"):
        assert f">{owner}/n-{owner}</a>" not in text_of(client, "/operator/models", q=text), text


def test_a_call_is_found_by_its_id(client: Client, buyer: Party, sale: ListedModel):
    id_ = call(buyer, sale, prompt="a secret prompt")
    found = client.get("/operator/calls", {"q": short(id_)})
    assert (found.status_code, found.headers["Location"]) == (302, f"/operator/calls/{short(id_)}")
    for text in (short(new_id()), "x", "0" * 130):
        assert "There is no call with this id." in text_of(client, "/operator/calls", q=text)
    assert short(id_) in text_of(client, "/operator/calls")


def test_what_a_call_was_given_is_not_shown(client: Client, buyer: Party, sale: ListedModel):
    id_ = call(buyer, sale, prompt="a secret prompt")
    page = text_of(client, f"/operator/calls/{short(id_)}")
    assert buyer.organization.slug in page
    for path in (f"calls/{short(id_)}", "calls", f"organizations/{short(buyer.organization.pk)}"):
        assert "a secret prompt" not in text_of(client, f"/operator/{path}")


def test_a_models_page_has_its_price_history(client: Client, sale: ListedModel):
    for amount in (5_000, 7_000):
        set_price(sku=sku_of(sale.target.model_id), unit=Unit.IMAGE, amount=amount, payee=sale.provider)
    page = text_of(client, f"/operator/models/{short(sale.target.model_id)}")
    assert [price in page for price in ("0.004", "0.005", "0.007", "0.006")] == [True, True, True, False]


def test_an_organisations_page_has_its_accounts_and_members(client: Client, buyer: Party):
    page = text_of(client, f"/operator/organizations/{short(buyer.organization.pk)}")
    assert buyer.user.email in page
    assert "Prepaid balance" in page
    person = text_of(client, f"/operator/people/{short(buyer.user.pk)}")
    assert buyer.user.email in person


@pytest.mark.parametrize("kind", ["organizations", "people", "models", "calls"])
def test_what_is_not_there_is_not_found(client: Client, kind: str):
    text_of(client, f"/operator/{kind}/{short(new_id())}", 404)


@pytest.mark.parametrize("kind", ["organizations", "people", "models", "calls"])
@pytest.mark.parametrize("query", ["a\0b", "x" * 3_000, "%", "'\"", "é"])
def test_odd_searches_are_answered(client: Client, kind: str, query: str):
    text_of(client, f"/operator/{kind}", q=query)
    text_of(client, f"/operator/{kind}", page=query)


def last_proof_is(state: ProofState, findings: list[str]) -> Proof:
    return Proof.objects.create(
        state=state, findings=findings, through=1_234_567, seconds=1.0, started_at="2026-01-01T00:00Z", checked=6,
        totals=[{"currency": "USD", "kind": "promotion", "posted": -5_000_000, "held": 0},
                {"currency": "USD", "kind": "buyer_prepaid", "posted": 5_000_000, "held": 1_000_000}],
    )  # fmt: skip


def test_the_ledgers_page_shows_the_last_proof(client: Client):
    proof = last_proof_is(ProofState.SOUND, [])
    try:
        page = text_of(client, "/operator/ledger")
        assert "In balance" in page
        assert "1,234,567" in page
        assert "Out of balance" not in page
    finally:
        proof.delete()
    proof = last_proof_is(ProofState.UNSOUND, ["account 7 is <wrong>"])
    try:
        page = text_of(client, "/operator/ledger")
        assert "Out of balance" in page
        assert "account 7 is &lt;wrong&gt;" in page
    finally:
        proof.delete()


def test_an_operator_asks_for_a_proof_once(client: Client):
    before = AuditEvent.objects.filter(action="ledger.proof_requested").count()
    try:
        for _ in range(2):
            assert client.post("/operator/ledger/prove").headers["Location"] == "/operator/ledger"
        assert Proof.objects.filter(state=ProofState.REQUESTED).count() == 1
        assert AuditEvent.objects.filter(action="ledger.proof_requested").count() == before + 1
        assert "A proof begins in a moment." in text_of(client, "/operator/ledger")
    finally:
        Proof.objects.filter(state=ProofState.REQUESTED).delete()


def test_others_find_no_operators_page(buyer: Party):
    member = Client()
    member.force_login(buyer.user)
    some = short(uuid.UUID(int=0))
    for path in ("organizations", "people", "models", "calls", "ledger", f"people/{some}", f"calls/{some}"):
        assert member.get(f"/operator/{path}").status_code == 404, path
    assert member.post("/operator/ledger/prove").status_code == 404
