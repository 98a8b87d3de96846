"""A node: one process, one accelerator, and the threads that serve it."""

import logging
import socket
import time
from datetime import UTC, datetime
from importlib import import_module

from celery.worker.consumer import Consumer
from django.conf import settings
from django.utils import timezone

from inference.models import Node
from inference.runtime.device import Device, open_device
from inference.services import inspections
from inference.services.recovery import take_back
from inference.worker.dispatcher import Dispatcher
from inference.worker.finaliser import Finaliser
from inference.worker.heartbeat import CancelListener, Heartbeat
from inference.worker.inspector import Inspector
from inference.worker.placement import Placement
from inference.worker.work import WorkInHand
from marketplace.core.ids import new_id
from marketplace.core.storage import blob_store

log = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 8.0


def node_name() -> str:
    """The node's stable name: `NODE_NAME`, else its host's name, with the accelerator's index."""
    return f"{settings.NODE_NAME or socket.gethostname()}/{settings.NODE_ACCELERATOR}"


def import_extra_adapters() -> None:
    """Import the adapters of the tasks in `EXTRA_TASKS`: each is a package, whose module `adapter` registers them."""
    for task in settings.EXTRA_TASKS:
        import_module(f"{task}.adapter")


class NodeRuntime:
    """Everything that runs in a node's process besides Celery's consumer.

    Args:
        consumer: Celery's, of this process; it is given the queues to consume.
    """

    def __init__(self, *, consumer: Consumer) -> None:
        self._consumer = consumer
        self.name = node_name()
        import_extra_adapters()
        self.device: Device = open_device(index=settings.NODE_ACCELERATOR, threads=settings.NODE_THREADS)
        self.work = WorkInHand()
        self.placement = Placement(node=self.name, device=self.device, listen=self._listen, unlisten=self._unlisten)
        self.finaliser = Finaliser(self.work, store=blob_store())
        self.dispatcher = Dispatcher(
            node=self.name,
            device=self.device,
            placement=self.placement,
            finaliser=self.finaliser,
            work=self.work,
            inspector=Inspector(
                node=self.name, device=self.device, placement=self.placement, work=self.work, store=blob_store()
            ),
        )
        self._threads = [
            self.finaliser,
            self.dispatcher,
            Heartbeat(node=self.name, placement=self.placement, work=self.work),
            CancelListener(node=self.name, work=self.work),
        ]

    def start(self) -> None:
        """Register, requeue what an earlier process of this node had claimed, listen for versions, start threads."""
        Node.objects.update_or_create(
            pk=self.name,
            defaults={
                "boot": new_id(),
                "device_kind": self.device.kind,
                "device_name": self.device.name,
                "memory_bytes": self.placement.memory_bytes,
                "busy_seconds": 0,
                "started_at": timezone.now(),
                "heartbeat_at": timezone.now(),
            },
        )
        take_back(node=self.name)
        inspections.take_back(node=self.name)
        versions = self.placement.restore()
        for thread in self._threads:
            thread.start()
        for version in versions:
            self.dispatcher.notify(version)
        log.info("node %s is ready on %s with %d version(s)", self.name, self.device.name, len(versions))

    def adopt(self, version: str) -> None:
        """Listen for a version from now on, and serve its waiting predictions."""
        self.placement.adopt(version)
        self.dispatcher.notify(version)

    def stop(self) -> None:
        """Finish the current batch, save its results, and requeue the rest."""
        self.dispatcher.stop()
        self.dispatcher.join(SHUTDOWN_TIMEOUT)
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        while not self.finaliser.is_idle() and time.monotonic() < deadline:
            time.sleep(0.05)
        for thread in self._threads:
            thread.stop()
        take_back(node=self.name)
        inspections.take_back(node=self.name, lost=False)
        Node.objects.filter(pk=self.name).update(heartbeat_at=datetime(1970, 1, 1, tzinfo=UTC))

    # Celery's own way, a broadcast command, is lost if the worker has only just started or reconnects.
    def _listen(self, queue: str) -> None:
        self._consumer.call_soon(self._consumer.add_task_queue, queue)

    def _unlisten(self, queue: str) -> None:
        self._consumer.call_soon(self._consumer.cancel_task_queue, queue)
