"""The node's heartbeat, the leases of its work, and the cancellations that it receives."""

import logging

import redis
from django.utils import timezone

from inference.domain.lifecycle import RENEW_SECONDS
from inference.models import Node
from inference.services import inspections, wakeups
from inference.worker.claims import renew
from inference.worker.placement import Placement
from inference.worker.threads import ServiceThread
from inference.worker.work import WorkInHand
from marketplace.core.ids import parse_short

log = logging.getLogger(__name__)


class Heartbeat(ServiceThread):
    """Every few seconds: updates the heartbeat row, renews leases and announces the queues that this node consumes."""

    def __init__(self, *, node: str, placement: Placement, work: WorkInHand) -> None:
        super().__init__("heartbeat")
        self._node, self._placement, self._work = node, placement, work

    def turn(self) -> None:
        Node.objects.filter(pk=self._node).update(heartbeat_at=timezone.now(), busy_seconds=self._work.busy_seconds)
        if ids := self._work.predictions():
            _, canceled = renew(node=self._node, ids=ids)
            self._work.cancel(canceled)
        if (inspection := self._work.inspection) is not None and not inspections.renew(inspection):
            self._work.inspection = None  # its next report will fail too
        wakeups.announce_listener(self._node, self._placement.listening())
        self.stopping.wait(RENEW_SECONDS)


class CancelListener(ServiceThread):
    """Receives cancellations at once; a lost message is made up for at the next renewal of the lease."""

    def __init__(self, *, node: str, work: WorkInHand) -> None:
        super().__init__("cancel-listener")
        self._node, self._work = node, work
        self._messages: redis.client.PubSub | None = None

    def turn(self) -> None:
        if self._messages is None:
            self._messages = wakeups.client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis
            self._messages.subscribe(wakeups.node_channel(self._node))
        try:
            message = self._messages.get_message(timeout=1.0)
        except redis.RedisError:
            self._messages = None
            raise
        if message and (prediction := parse_short(message["data"].decode())):
            self._work.cancel([prediction])
