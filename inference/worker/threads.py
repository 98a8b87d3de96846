"""Threads of a node that survive errors: they wait while the database or Redis is unavailable."""

import logging
import threading
from abc import ABC, abstractmethod

import redis
from django.db import InterfaceError, OperationalError, close_old_connections
from kombu.exceptions import OperationalError as BrokerAway
from psycopg_pool import PoolTimeout

log = logging.getLogger(__name__)

SERVICE_AWAY = (OperationalError, InterfaceError, PoolTimeout, redis.RedisError, BrokerAway)
AWAY = (*SERVICE_AWAY, OSError)
MAX_PAUSE_SECONDS = 10.0


class ServiceThread(threading.Thread, ABC):
    """A thread that repeats `turn` until it is stopped, with growing pauses while a service is unavailable."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()

    @abstractmethod
    def turn(self) -> None:
        """Do one unit of work. It must return soon after `stopping` is set."""

    def run(self) -> None:
        pause = 0.5
        while not self.stopping.is_set():
            try:
                self.turn()
                pause = 0.5
            except AWAY as error:
                log.warning("%s: %s: %s; trying again in %.1f s", self.name, type(error).__name__, error, pause)
                close_old_connections()
                self.stopping.wait(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
            except Exception:
                # A bug must not stop the node: it is logged, and expired leases requeue the work.
                log.exception("%s failed", self.name)
                self.stopping.wait(pause)

    def stop(self) -> None:
        """Ask the thread to end after its current turn."""
        self.stopping.set()
