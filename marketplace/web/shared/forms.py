"""Forms of all areas."""

from marketplace.core.problems import FieldError, Invalid


def by_field(problem: Invalid) -> dict[str, str]:
    """The errors of a form by the name of the field; what belongs to none is under `form`."""
    errors = problem.errors or [FieldError("form", problem.detail)]
    return {error.field: error.detail for error in errors}
