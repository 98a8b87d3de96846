"""Runs the double in a thread of a test's process, or as a process of its own."""

import socket
import threading
from types import TracebackType

import uvicorn

from tests.support.doubles.stripe.app import make_app
from tests.support.doubles.stripe.store import Store, Target


class StripeDouble:
    """A double that listens on loopback while it is entered.

    Attributes:
        store: its state, for tests to read and change.
        url: where it listens; what `STRIPE_API_BASE` is set to.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.store = Store()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(make_app(self.store), log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def tell(self, url: str, *, secret: str) -> None:
        """Send events to this URL from now on, signed with this secret."""
        self.store.targets.append(Target(url, secret))

    def __enter__(self) -> "StripeDouble":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()
