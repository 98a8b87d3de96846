"""What a run delivered, from the runtime's plain figures to quantities of the units that prices are for."""

from billing.pricing.domain import Unit
from inference.runtime.engine import Result


def measured(result: Result) -> dict[Unit, int]:
    """Parts of each unit that a job of a batch delivered; of one that failed or was canceled, its device time alone."""
    quantities = {Unit.DEVICE_SECOND: result.device_microseconds}
    if result.error is not None or result.canceled_at_step is not None:
        return quantities
    pixels = [(output.width or 0) * (output.height or 0) for output in result.outputs]
    steps = [output.steps for output in result.outputs]
    return quantities | {
        Unit.REQUEST: 1,
        Unit.IMAGE: len(result.outputs) if result.value is None else 1,  # a value is about one image
        Unit.MEGAPIXEL: sum(pixels),
        Unit.MEGAPIXEL_STEP: sum(size * run for size, run in zip(pixels, steps, strict=True)),
    }
