"""What is read of predictions, by SQL that Django's connections and the async front's pool send unchanged.

Other apps' tables are read through their views: accounts_slugs, providers_called_versions, billing_call_prices,
billing_call_outcomes and billing_call_usage.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.outcomes.domain import OutcomeState, why_not_billed
from inference.domain.lifecycle import Status

# What was asked for under an idempotency key, and the prediction that was the answer.
ADMITTED_BEFORE = """
SELECT prediction_id AS prediction, request_hash FROM inference_idempotencykey
WHERE organization_id = %(organization)s AND key = %(key)s
"""

_VIEW = """
SELECT p.id, p.organization_id, o.slug AS organization, v.model, v.task,
       p.version_id AS version, v.number AS version_number, p.origin,
       p.status, p.input, p.error, p.attempt, p.node_id AS node, p.device,
       p.created_at, p.started_at, p.completed_at, p.cancel_requested_at, p.load_seconds, p.run_seconds, p.batch_size,
       p.stopped_at_step, p.value, p.quantity, u.quantity_charged, p.amount_held,
       coalesce(oc.outcome_amount, p.amount_charged) AS amount_charged, p.max_price, p.not_billed AS not_billed_reason,
       b.price_id, b.price_version, b.unit_amount, b.unit, b.currency,
       coalesce((SELECT jsonb_agg(jsonb_build_object('id', a.id, 'sha256', a.sha256, 'media_type', a.media_type,
                                                     'size', a.size, 'width', a.width, 'height', a.height)
                                  ORDER BY a.position)
                 FROM inference_artifact a WHERE a.prediction_id = p.id), '[]') AS artifacts,
       p.contract_id, b.contract_hash, oc.outcome, oc.delivered, oc.accepted, oc.rejected, oc.review_until
FROM inference_prediction p
JOIN accounts_slugs o ON o.organization_id = p.organization_id
JOIN providers_called_versions v ON v.version_id = p.version_id
JOIN billing_call_prices b ON b.price_id = p.price_id
LEFT JOIN billing_call_outcomes oc ON oc.id = p.id
LEFT JOIN billing_call_usage u ON u.id = p.id
"""

# For a buyer: by key, whose validity is asked anew, or by membership, which the page has checked.
VIEW_FOR_BUYER = (
    _VIEW
    + """
WHERE p.id = %(id)s AND p.organization_id = %(organization)s
  AND (%(key)s::uuid IS NULL OR accounts_key_valid(%(key)s, %(organization)s))
"""
)
VIEW_BY_LINK = _VIEW + "WHERE p.id = %(id)s"
PAGE_FOR_BUYER = (
    _VIEW
    + """
WHERE p.organization_id = %(organization)s AND (%(before)s::uuid IS NULL OR p.id < %(before)s)
ORDER BY p.id DESC LIMIT %(limit)s
"""
)
UNDER_REVIEW = (
    _VIEW
    + """
WHERE p.organization_id = %(organization)s AND p.contract_id = %(contract)s AND oc.outcome = 'observing'
ORDER BY p.id LIMIT %(limit)s
"""
)
SOME_FOR_BUYER = _VIEW + "WHERE p.organization_id = %(organization)s AND p.id = ANY (%(ids)s) ORDER BY p.id"
LATEST_PICTURES = (
    _VIEW
    + """
WHERE p.origin = 'demo' AND p.status = 'succeeded' AND p.value IS NULL AND p.contract_id IS NULL
  AND (%(model)s::uuid IS NULL OR p.model_id = %(model)s)
ORDER BY p.id DESC LIMIT %(limit)s
"""
)

# For the holder of a signed link (no organisation), or for the buyer. An upload is gone once it has expired.
UPLOAD = """
SELECT sha256, media_type, size, width, height FROM inference_inputfile
WHERE id = %(id)s AND expires_at > now() AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s)
"""
FILE_OF_PREDICTION = """
SELECT input -> %(field)s::text AS file FROM inference_prediction
WHERE id = %(id)s AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s)
"""

# An output file or an example, whose links have one form.
FILE = """
SELECT sha256, media_type, size, width, height FROM inference_artifact WHERE id = %(id)s
UNION ALL SELECT sha256, media_type, size, width, height FROM inference_example WHERE id = %(id)s
"""
THUMBNAIL = """
SELECT made -> %(side)s::text AS made, due_at IS NOT NULL AS due FROM inference_thumbnails WHERE source = %(sha256)s
"""
# For pictures that no event queued: what calls bring, and what lies there from before.
QUEUE_PICTURE = "INSERT INTO inference_thumbnails(source) VALUES (%(sha256)s) ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class ArtifactView:
    """One output file: `size` in bytes, `width` and `height` in pixels."""

    id: uuid.UUID
    sha256: str
    media_type: str
    size: int
    width: int | None
    height: int | None


@dataclass(frozen=True)
class PredictionView:
    """A prediction as the party sees it who may: amounts in micro-units, durations in seconds.

    Attributes:
        quantity: what it may deliver at most, in parts of the price's unit; `quantity_charged` is what was paid for.
        outcome: where it stands under its outcome contract, if it was made under one, with the images delivered,
            accepted and rejected so far.
    """

    id: uuid.UUID
    organization_id: uuid.UUID
    organization: str
    model: str
    task: str
    version: str
    version_number: int
    origin: str
    status: Status
    input: Mapping[str, Any]
    error: str
    attempt: int
    node: str | None
    device: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    cancel_requested_at: datetime | None
    load_seconds: float | None
    run_seconds: float | None
    batch_size: int | None
    stopped_at_step: int | None
    value: Any
    quantity: int
    quantity_charged: int | None
    amount_held: int
    amount_charged: int | None
    max_price: int | None
    not_billed_reason: str
    price_id: int
    price_version: int
    unit_amount: int
    unit: str
    currency: str
    artifacts: Sequence[ArtifactView]
    contract_id: uuid.UUID | None
    contract_hash: str | None
    outcome: OutcomeState | None
    delivered: int | None
    accepted: int | None
    rejected: int | None
    review_until: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "PredictionView":
        fields = dict(row)
        fields["status"] = Status(fields["status"])
        if fields["outcome"] is not None:
            fields["outcome"] = outcome = OutcomeState(fields["outcome"])
            why = why_not_billed(outcome, review_until=fields["review_until"])
            fields["not_billed_reason"] = fields["not_billed_reason"] or why
        fields["artifacts"] = tuple(
            ArtifactView(**(artifact | {"id": uuid.UUID(artifact["id"])})) for artifact in fields["artifacts"]
        )
        return cls(**fields)

    @property
    def queue_seconds(self) -> float | None:
        """From admission to the claim of the attempt that counted."""
        return (self.started_at - self.created_at).total_seconds() if self.started_at else None

    @property
    def total_seconds(self) -> float | None:
        return (self.completed_at - self.created_at).total_seconds() if self.completed_at else None
