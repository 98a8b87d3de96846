"""Identifiers: time-ordered UUIDs inside, short lower-case strings outside."""

import base64
import os
import time
import uuid

SHORT_LENGTH = 26


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): time first, so that new rows go to the end of an index.

    The 12 bits after the milliseconds are their fraction (section 6.2, method 3), so that ids of one process sort in
    the order of their creation.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)


def short(value: uuid.UUID) -> str:
    """The id as clients see it: 26 characters of lower-case base32, in the same order as the UUIDs."""
    # Base32hex keeps the order of the bytes; its alphabet 0-9a-v needs no escaping in URLs.
    return base64.b32hexencode(value.bytes).decode().rstrip("=").lower()


def parse_short(text: str) -> uuid.UUID | None:
    """The UUID of a short id, or None if the text is not a short id. Each id has one spelling only."""
    if len(text) != SHORT_LENGTH:
        return None
    try:
        value = uuid.UUID(bytes=base64.b32hexdecode(text.upper() + "======"))
    except ValueError:
        return None
    return value if short(value) == text else None
