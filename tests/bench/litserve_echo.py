"""`python -m tests.bench.litserve_echo PORT`: LitServe answering each JSON request with its input."""

import sys
from typing import Any

import litserve


class Echo(litserve.LitAPI):
    def setup(self, device: str) -> None:
        """There is nothing to load."""

    def predict(self, request: Any) -> Any:
        return request


if __name__ == "__main__":
    server = litserve.LitServer(Echo(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="error"
    )
