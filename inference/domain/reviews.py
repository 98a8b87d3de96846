"""What a reviewer's verdict looks like when it comes in."""

from typing import Annotated, ClassVar

from billing.outcomes.domain import Verdict
from marketplace.core.shapes import Says, Shape


class GiveVerdict(Shape, kw_only=True, frozen=True):
    """A verdict on one image that was made under an outcome contract."""

    REFUSED: ClassVar[str] = "Nothing was decided"

    verdict: Annotated[Verdict, Says(f"must be one of {', '.join(Verdict)}")]
    position: Annotated[int, Says("must be the whole number of an output, from 0")] = 0
    reason: Annotated[str | None, Says("must be a text")] = None
