"""Celery messages that only announce pending work; the work itself is in the database."""

import logging

import redis
from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

MESSAGE_SECONDS = 60  # by then the receivers' own sweeps have found the work


def send_notice(task: str, *arguments: str, queue: str | None = None) -> None:
    """Send a task that only tells its receiver to look for work. A failure is only logged: receivers also sweep.

    Args:
        queue: Celery's default queue if None.
    """
    try:
        current_app.send_task(
            task, args=arguments, queue=queue, ignore_result=True, expires=MESSAGE_SECONDS, retry=False
        )
    except (redis.RedisError, OperationalError, OSError) as error:
        log.warning("could not send %s%r: %s; a sweep will find the work", task, arguments, error)
