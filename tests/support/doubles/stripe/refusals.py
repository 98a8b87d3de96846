"""Stripe's errors, with its own messages where the market reads them."""

from typing import Any


class Refusal(Exception):
    """An error answer. `began`: whether the endpoint had started to act, so that the idempotency key is used."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        began: bool = True,
    ) -> None:
        super().__init__(message)
        self.status, self.began = status, began
        said = {"message": message, "type": type, "code": code, "param": param}
        self.body: dict[str, Any] = {"error": {name: value for name, value in said.items() if value is not None}}


def missing(kind: str, id: str) -> Refusal:
    return Refusal(f"No such {kind}: '{id}'", status=404, code="resource_missing", param="id")
