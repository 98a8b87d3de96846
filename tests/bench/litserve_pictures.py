"""`python -m tests.bench.litserve_pictures PORT FOLDER`: LitServe generating up to eight pictures in one call."""

import base64
import sys
from pathlib import Path
from typing import Any

import litserve

from tests.bench.pictures import Order, generate, open_pipeline

MAX_BATCH = 8
BATCH_TIMEOUT = 0.02  # seconds that a batch may wait to fill up


class Pictures(litserve.LitAPI):
    def __init__(self, folder: Path) -> None:
        super().__init__(max_batch_size=MAX_BATCH, batch_timeout=BATCH_TIMEOUT)
        self._folder = folder

    def setup(self, device: str) -> None:
        self._pipeline = open_pipeline(self._folder)

    def decode_request(self, request: dict[str, Any]) -> Order:
        return Order(**request)

    def batch(self, inputs: list[Order]) -> list[Order]:
        return inputs

    def predict(self, orders: list[Order]) -> list[bytes]:
        return generate(self._pipeline, orders)

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> dict[str, str]:
        return {"image": base64.b64encode(output).decode()}


if __name__ == "__main__":
    server = litserve.LitServer(Pictures(Path(sys.argv[2])), accelerator="cpu", workers_per_device=1, timeout=90)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="error"
    )
