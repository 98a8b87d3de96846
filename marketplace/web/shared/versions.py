"""Contexts of the results of a version's checks, for both sides of the market."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inference.links import artifact_path
from marketplace.web.shared.pictures import thumbnail
from providers.domain import Step

if TYPE_CHECKING:
    from inference.models import Example
    from providers.models import VersionCheck


def example_picture(example: Example) -> dict[str, Any]:
    """The context of an example."""
    path = artifact_path(example.id) if example.media_type.startswith("image/") else ""
    return {
        "image_url": path,
        "thumbnail": thumbnail(path, width=example.width, height=example.height) if path else None,
        "prompt": example.input.get("prompt", ""),
        "seed": example.input.get("seed"),
        "seconds": example.seconds,
        "input": example.input,
    }


def profile_of(checks: Sequence[VersionCheck]) -> dict[str, Any]:
    """The measurements, with the shares for their plot; empty before the first batch."""
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
    """The findings of a step; empty before it begins."""
    return next((check.detail for check in checks if check.step == step), {})
