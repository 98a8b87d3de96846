"""Becoming a Celery process: the command's own process is replaced, so that signals reach Celery itself."""

import os
import sys
from typing import NoReturn


def become_celery(*arguments: str) -> NoReturn:
    """Replace this process by `celery -A marketplace …`."""
    os.execv(sys.executable, [sys.executable, "-m", "celery", "-A", "marketplace", *arguments])  # noqa: S606  # no shell
