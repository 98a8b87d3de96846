"""The Celery tasks of a node. A message carries no work, only the notice that there is some."""

from typing import Any

from celery import shared_task, signals
from celery.worker.consumer import Consumer

from inference.services.dispatch import ADOPT_TASK, NOTIFY_TASK
from inference.services.inspections import INSPECT_TASK
from inference.worker.node import NodeRuntime

_runtime: NodeRuntime | None = None


def runtime() -> NodeRuntime:
    """This process's node. Raises RuntimeError in a worker that is not a node."""
    if _runtime is None:
        raise RuntimeError("this Celery worker is not a node: start one with `manage.py node`")
    return _runtime


@shared_task(name=NOTIFY_TASK)
def notify(version: str) -> None:
    """A prediction of this version waits."""
    runtime().dispatcher.notify(version)


@shared_task(name=ADOPT_TASK)
def adopt(version: str) -> None:
    """No node listens for this version yet: this one listens from now on."""
    runtime().adopt(version)


@shared_task(name=INSPECT_TASK)
def inspect() -> None:
    """A version waits to be inspected."""
    runtime().dispatcher.notify_inspection()


@signals.worker_ready.connect
def start_node(sender: Consumer, **_: Any) -> None:
    """Start this process's node once Celery consumes messages."""
    global _runtime  # one node a process
    _runtime = NodeRuntime(consumer=sender)
    _runtime.start()


@signals.worker_shutting_down.connect
def stop_node(**_: Any) -> None:
    """Stop this process's node when Celery shuts down."""
    if _runtime is not None:
        _runtime.stop()
