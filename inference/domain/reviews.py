"""What a reviewer's verdict looks like when it comes in."""

from collections.abc import Mapping
from typing import Any

from billing.outcomes.domain import Verdict
from marketplace.core.problems import FieldError, Invalid


def verdict_in(body: Any) -> tuple[int, Verdict, str]:
    """Position, verdict and reason in a request's body. Raises Invalid."""
    given = body if isinstance(body, Mapping) else {}
    position, verdict, reason = given.get("position", 0), given.get("verdict"), given.get("reason")
    errors = []
    if isinstance(position, bool) or not isinstance(position, int):
        errors.append(FieldError("position", "must be the whole number of an output, from 0"))
    if not isinstance(verdict, str) or verdict not in list(Verdict):
        errors.append(FieldError("verdict", f"must be one of {', '.join(Verdict)}"))
    if reason is not None and not isinstance(reason, str):
        errors.append(FieldError("reason", "must be a text"))
    if errors:
        raise Invalid("Nothing was decided", errors=errors)
    return position, Verdict(str(verdict)), reason or ""
