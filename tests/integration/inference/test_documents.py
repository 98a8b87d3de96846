"""The documents that admission and completion take: what they must hold, and what is made of the rest."""

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection

from inference import sql
from inference.domain.lifecycle import Origin, Status
from inference.models import Prediction
from inference.services.admit import prepare
from marketplace.core.ids import new_id
from tests.support.inference_market import (
    CREDIT,
    ListedModel,
    balance_of_buyer,
    call,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
)
from tests.support.ledger import assert_ledger_consistent
from tests.support.parties import Party

pytestmark = pytest.mark.usefixtures("database")

MAY_BE_NULL = {"key", "user", "contract", "idempotency"}
REQUIRED = {
    *("schema", "id", "organization", "model", "version", "sku", "price", "quantity", "ceiling", "input", "batch_key"),
    *("origin", "hold_hours", "source", "label"),
}


@pytest.fixture
def market() -> tuple[Party, ListedModel]:
    return make_buyer(), make_priced_model()


def document(buyer: Party, sale: ListedModel, **changed: Any) -> dict[str, Any]:
    admission = prepare(caller=buyer.actor, target=sale.target, inputs={"prompt": "x"}, origin=Origin.API)
    return json.loads(admission.parameters["admission"]) | changed


def admit(given: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql.ADMIT, {"admission": json.dumps(given)})
        return cursor.fetchone()[0]


def refused(given: Any, *, match: str) -> None:
    with pytest.raises(DatabaseError, match=match) as error:
        admit(given)
    assert error.value.__cause__.sqlstate == "BO422"  # type: ignore[union-attr]


def test_the_document_has_what_is_required_and_no_more(market: tuple[Party, ListedModel]):
    assert set(document(*market)) == REQUIRED | MAY_BE_NULL | {"waiter"}


@pytest.mark.parametrize("key", sorted(REQUIRED | MAY_BE_NULL))
def test_an_admission_without_a_key_is_refused_by_its_name(market: tuple[Party, ListedModel], key: str):
    whole = document(*market)
    refused({name: value for name, value in whole.items() if name != key}, match=f'lacks "{key}"')
    if key in REQUIRED:
        refused(whole | {key: None}, match=f'lacks "{key}"')
    assert not Prediction.objects.filter(pk=whole["id"]).exists()
    assert balance_of_buyer(market[0]).held == 0


@pytest.mark.parametrize("given", [None, [], ["schema"], "schema", 1])
def test_what_is_no_document_is_refused(given: Any):
    refused(given, match="a document is needed")


@pytest.mark.parametrize("part", ["contract", "idempotency"])
def test_the_parts_of_a_document_are_whole_too(market: tuple[Party, ListedModel], part: str):
    refused(document(*market, **{part: {"key": "k", "id": str(new_id())}}), match="lacks")
    refused(document(*market, **{part: "k"}), match="a document is needed")


@pytest.mark.parametrize("schema", [0, 2, "1"])
def test_another_schema_is_refused(market: tuple[Party, ListedModel], schema: Any):
    refused(document(*market, schema=schema), match="1 is understood")


def test_unknown_keys_are_ignored(market: tuple[Party, ListedModel]):
    assert admit(document(*market, priority="high")) == "admitted"


def test_having_no_ceiling_is_said_and_everything_else_is_one(market: tuple[Party, ListedModel]):
    assert admit(document(*market, ceiling="none")) == "admitted"
    assert admit(document(*market, ceiling=4_000)) == "admitted"
    assert admit(document(*market, ceiling=3_999)) == "above_max_price"
    assert admit(document(*market, ceiling=0)) == "above_max_price"
    for ceiling in ("", "None", "null", {}, [], False, 1.5):
        with pytest.raises(DatabaseError, match="invalid input syntax for type bigint"):
            admit(document(*market, ceiling=ceiling))
    assert balance_of_buyer(market[0]).held == 8_000


def test_what_is_held_follows_from_price_and_quantity(market: tuple[Party, ListedModel]):
    given = document(*market, quantity=3, amount=1)
    assert admit(given) == "admitted"
    assert Prediction.objects.get(pk=given["id"]).amount_held == 12_000
    assert (balance_of_buyer(market[0]).posted, balance_of_buyer(market[0]).held) == (CREDIT, 12_000)
    assert_ledger_consistent()


@pytest.mark.parametrize("key", ["id", "attempt", "status", "quantities", "source"])
@pytest.mark.parametrize("is_null", [True, False])
def test_a_result_without_a_key_is_refused_by_its_name(market: tuple[Party, ListedModel], key: str, is_null: bool):
    buyer, sale = market
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    result: dict[str, Any] = {"id": str(id_), "attempt": claimed.attempt, "status": "failed", "quantities": {}}
    result["source"] = "test"
    if is_null:
        result[key] = None
    else:
        del result[key]
    with pytest.raises(DatabaseError, match=f'lacks "{key}"'), connection.cursor() as cursor:
        cursor.execute(sql.COMPLETE, {"results": json.dumps({"schema": 1, "results": [result]})})
    assert Prediction.objects.get(pk=id_).status == Status.PROCESSING
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 4_000)
