"""`demo.json`: the credentials of the demo market, for people, scripts and tests."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings

Document = dict[str, Any]


def demo_file() -> Path:
    """The path of `demo.json` in the home."""
    return Path(settings.HOME.path) / "demo.json"


def read() -> Document | None:
    """The document of a market that was seeded before, or None."""
    try:
        document: Document = json.loads(demo_file().read_text())
    except FileNotFoundError:
        return None
    return document


def write(document: Document) -> None:
    """Write the document atomically, readable by its owner only."""
    file = demo_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(document, indent=2) + "\n")
    draft.replace(file)


def new_password() -> str:
    """A random password."""
    return secrets.token_urlsafe(12)
