"""What the checks of a version found, as pages of both sides show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inference.links import artifact_path
from providers.domain import Step

if TYPE_CHECKING:
    from inference.models import Example
    from providers.models import VersionCheck


def example_picture(example: Example) -> dict[str, Any]:
    """An example as pages show it."""
    return {
        "image_url": artifact_path(example.id) if example.media_type.startswith("image/") else "",
        "prompt": example.input.get("prompt", ""),
        "seed": example.input.get("seed"),
        "seconds": example.seconds,
        "input": example.input,
    }


def profile_of(checks: Sequence[VersionCheck]) -> dict[str, Any]:
    """What was measured, with the shares that its plot needs; empty before the first batch."""
    detail = detail_of(checks, Step.PROFILE)
    batches = detail.get("batches") or []
    if not batches:
        return {}
    slowest = max(batch["seconds_per_unit"] for batch in batches)
    return detail | {
        "batches": [batch | {"share": batch["seconds_per_unit"] / slowest} for batch in batches],
        "alone": batches[0]["seconds_per_unit"],
        "best": min(batch["seconds_per_unit"] for batch in batches),
    }


def detail_of(checks: Sequence[VersionCheck], step: Step) -> dict[str, Any]:
    """What a step has found, empty before it began."""
    return next((check.detail for check in checks if check.step == step), {})
