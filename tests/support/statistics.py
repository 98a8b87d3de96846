"""Predictions and usage of any hour, written as rows, and what PostgreSQL itself says that they sum to."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connections, transaction

from billing.pricing.domain import PriceTerms
from inference.domain.lifecycle import Origin, Status
from inference.models import Artifact, Prediction
from marketplace.core.ids import new_id
from tests.support.inference_market import ListedModel
from tests.support.ledger import Item, hold, rows, settle
from tests.support.parties import Party


@dataclass(frozen=True)
class Ended:
    """A prediction that ended at a moment: seconds of its run (None: unknown) and in the queue, files that it made."""

    at: datetime
    status: Status = Status.SUCCEEDED
    run: float | None = 1.0
    queue: float = 0.1
    artifacts: int = 1


def insert(buyer: Party, sale: ListedModel, ended: Iterable[Ended]) -> None:
    """Write the predictions as they are after their end."""
    target = sale.target
    predictions = [
        (
            one,
            Prediction(
                id=new_id(),
                organization=buyer.organization,
                model_id=target.model_id,
                version_id=target.version,
                origin=Origin.API,
                status=one.status,
                input={},
                batch_key="",
                price_id=target.terms.id,
                quantity=1,
                amount_held=0,
                created_at=one.at - timedelta(seconds=one.queue + (one.run or 0)),
                started_at=one.at - timedelta(seconds=one.run or 0),
                completed_at=one.at,
                run_seconds=one.run,
            ),
        )
        for one in ended
    ]
    Prediction.objects.bulk_create(prediction for _, prediction in predictions)
    Artifact.objects.bulk_create(
        Artifact(prediction=prediction, position=position, sha256=secrets.token_hex(32), media_type="image/png", size=1)
        for one, prediction in predictions
        for position in range(one.artifacts)
    )


def use(payer: str, price: PriceTerms, *, quantity: int, amount: int, at: datetime) -> None:
    """Settle a call, and write into its usage record that this was at a moment, which nobody can in a market."""
    id_ = hold(payer, price, amount)
    assert id_ is not None
    settle([Item(id_, amount, quantity)])
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE billing_usagerecord DISABLE TRIGGER billing_usagerecord_append_only")
        cursor.execute("UPDATE billing_usagerecord SET created_at = %s WHERE hold_id = %s", [at, id_])
        cursor.execute("ALTER TABLE billing_usagerecord ENABLE TRIGGER billing_usagerecord_append_only")


def counted(sale: ListedModel) -> tuple[int, int]:
    """A model's successful predictions and files, ever."""
    ((runs,),) = rows(
        "SELECT count(*) FROM inference_prediction WHERE model_id = %s AND status = 'succeeded'", sale.target.model_id
    )
    ((artifacts,),) = rows(
        "SELECT count(*) FROM inference_artifact a JOIN inference_prediction p ON p.id = a.prediction_id "
        "WHERE p.model_id = %s",
        sale.target.model_id,
    )
    return runs, artifacts


def measured(sale: ListedModel, since: datetime) -> tuple[int, int, list[float | None], list[float]]:
    """Of the predictions since then: those that ended or succeeded, the four percentiles, the latest seconds."""
    (found,) = rows(
        """
        WITH recent AS (
          SELECT *, extract(epoch FROM started_at - created_at)::float8 AS queue FROM inference_prediction
          WHERE model_id = %s AND completed_at >= %s)
        SELECT count(*) FILTER (WHERE status IN ('succeeded', 'failed')), count(*) FILTER (WHERE status = 'succeeded'),
               percentile_disc(0.5) WITHIN GROUP (ORDER BY run_seconds) FILTER (WHERE status = 'succeeded'),
               percentile_disc(0.95) WITHIN GROUP (ORDER BY run_seconds) FILTER (WHERE status = 'succeeded'),
               percentile_disc(0.5) WITHIN GROUP (ORDER BY queue) FILTER (WHERE status = 'succeeded'),
               percentile_disc(0.95) WITHIN GROUP (ORDER BY queue) FILTER (WHERE status = 'succeeded'),
               ARRAY(SELECT run_seconds FROM (
                 SELECT run_seconds, completed_at, id FROM recent
                 WHERE status = 'succeeded' AND run_seconds IS NOT NULL ORDER BY completed_at DESC, id DESC LIMIT 40) l
                 ORDER BY completed_at, id)
        FROM recent
        """,
        sale.target.model_id,
        since,
    )
    return found[0], found[1], list(found[2:6]), found[6]
