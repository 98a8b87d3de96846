"""The double's state, in memory: objects, money, idempotency keys, faults, events and a clock."""

import itertools
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stripe import WebhookSignature

Object = dict[str, Any]
DAY = 24 * 3600
DELIVERY_TRIES = 4


@dataclass
class Fault:
    """An injected fault of the next `times` requests to a path.

    `kind`: `error` (500 before anything is done), `lost` (done, but the answer is a 500), `limited` (429) or
    `slow` (answered after `seconds`).
    """

    path: str
    kind: str
    times: int = 1
    seconds: float = 0.0


@dataclass
class Answered:
    """The answer to a request with an idempotency key."""

    request: str
    status: int
    body: Object
    at: float


@dataclass
class Target:
    url: str
    secret: str


@dataclass
class Store:
    """The double's state. `lock` is held while a request acts, so that requests act one after another."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    offset: float = 0.0
    objects: dict[str, Object] = field(default_factory=dict)
    metered: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    identifiers: dict[str, float] = field(default_factory=dict)
    keys: dict[str, Answered] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    incoming: list[tuple[float, int]] = field(default_factory=list)  # (available from, cents)
    paid_out: int = 0
    pending_seconds: float = 0.0
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def now(self) -> int:
        return int(time.time() + self.offset)

    def advance(self, seconds: float) -> None:
        """Move the clock; sessions that expire send events."""
        with self.lock:
            self.offset += seconds
            for session in self.all("checkout.session"):
                if session["status"] == "open" and session["expires_at"] <= self.now():
                    session["status"], session["url"] = "expired", None
                    self.tell("checkout.session.expired", session)

    def add(self, prefix: str, kind: str, **values: Any) -> Object:
        made = {
            "id": f"{prefix}_{next(self.numbers)}{secrets.token_hex(8)}",
            "object": kind,
            "created": self.now(),
            "livemode": False,
        } | values
        self.objects[made["id"]] = made
        return made

    def find(self, kind: str, id: str) -> Object | None:
        found = self.objects.get(id)
        return found if found is not None and found["object"] == kind else None

    def all(self, kind: str) -> list[Object]:
        return [found for found in self.objects.values() if found["object"] == kind]

    def available(self) -> int:
        """Cents that may be transferred."""
        return sum(cents for since, cents in self.incoming if since <= self.now()) - self.paid_out

    def fault_for(self, path: str) -> Fault | None:
        for fault in self.faults:
            if path.startswith(fault.path) and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def tell(self, type: str, about: Object) -> Object:
        """Send an event with the current object to every target."""
        shown = json.loads(json.dumps(about))
        return self._send(
            {
                "id": f"evt_{next(self.numbers)}{secrets.token_hex(8)}",
                "object": "event",
                "api_version": "2026-10-28.endive",
                "created": self.now(),
                "livemode": False,
                "pending_webhooks": len(self.targets),
                "type": type,
                "data": {"object": shown},
            }
        )

    def tell_thinly(self, type: str, about: Object) -> Object:
        """Send an event of API version 2, which has the object's id only."""
        return self._send(
            {
                "id": f"evt_{next(self.numbers)}{secrets.token_hex(8)}",
                "object": "v2.core.event",
                "created": "2026-01-01T00:00:00.000Z",
                "livemode": False,
                "type": type,
                "related_object": {
                    "id": about["id"],
                    "type": about["object"],
                    "url": f"/v2/core/accounts/{about['id']}",
                },
            }
        )

    def _send(self, event: Object) -> Object:
        self.events.append(event)
        for target in self.targets:
            threading.Thread(target=deliver, args=(event, target), daemon=True).start()
        return event


def signed(event: Object, secret: str, *, at: int | None = None) -> tuple[bytes, str]:
    """The body of an event and its `Stripe-Signature`."""
    body = json.dumps(event)
    return body.encode(), WebhookSignature.generate_signature_header(body, secret, at)


def deliver(event: Object, target: Target, *, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Send an event with retries, as Stripe does. Returns whether it was accepted."""
    for number in range(DELIVERY_TRIES):
        body, signature = signed(event, target.secret)
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        request = urllib.request.Request(target.url, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                if 200 <= answer.status < 300:
                    return True
        except (urllib.error.URLError, OSError):
            pass
        sleep(2**number)
    return False
