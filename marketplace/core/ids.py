"""Identifiers: time-ordered UUIDs inside, short lower-case strings outside."""

import base64
import os
import time
import uuid

SHORT_LENGTH = 26


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): milliseconds first, so that new rows go to the end of an index."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    return uuid.UUID(int=value | 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF)


def short(value: uuid.UUID) -> str:
    """The id as clients see it: 26 characters of lower-case base32, in the same order as the UUIDs."""
    # Base32hex keeps the order of the bytes; its alphabet 0-9a-v needs no escaping in URLs.
    return base64.b32hexencode(value.bytes).decode().rstrip("=").lower()


def parse_short(text: str) -> uuid.UUID | None:
    """The UUID behind a short id, or None if the text is none. An id has one spelling only."""
    if len(text) != SHORT_LENGTH:
        return None
    try:
        value = uuid.UUID(bytes=base64.b32hexdecode(text.upper() + "======"))
    except ValueError:
        return None
    return value if short(value) == text else None
