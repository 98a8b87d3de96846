"""Sends file checks to the platform's worker, so that a commit does not wait for them."""

import logging
from collections.abc import Sequence

import redis
from celery import current_app
from kombu.exceptions import OperationalError

from marketplace.core.events import Payload

log = logging.getLogger(__name__)

CHECK_TASK = "providers.check_files"


def on_version_committed(payloads: Sequence[Payload]) -> None:
    """Outbox subscriber of `version.committed`. If a message is lost, the sweep sends it again."""
    for payload in payloads:
        send_check(payload["version"])


def send_check(version: str) -> None:
    """Ask the platform's worker to check the files of a version."""
    try:
        current_app.send_task(CHECK_TASK, args=[version], ignore_result=True, retry=False)
    except (redis.RedisError, OperationalError) as error:
        log.warning("the check of %s could not be asked for: %s; the sweep will", version, error)
