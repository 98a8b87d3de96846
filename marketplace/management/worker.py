"""Replaces the command's process by a Celery process, so that signals reach Celery directly."""

import os
import sys
from typing import NoReturn


def become_celery(*arguments: str) -> NoReturn:
    """Replace this process by `celery -A marketplace …`."""
    # The warning is about pickled messages; only JSON is accepted here.
    quiet_for_root = "-Wignore:You're running the worker with superuser privileges"
    celery = [sys.executable, quiet_for_root, "-m", "celery", "--quiet", "-A", "marketplace", *arguments]
    os.execv(sys.executable, celery)  # noqa: S606  # no shell
