"""Which answers are compressed, and with what: gzip, which every client has. Pure."""

import re
import zlib

MIN_PAGE_BYTES = 1_024  # what is shorter fits into one packet anyway
# Of the API's documents. The commonest, one prediction, is left as it is: its compression takes longer than it saves.
MIN_DOCUMENT_BYTES = 4_096
LEVEL = 4  # of 9: nearly as small as 6 in half the time
GZIP = 16 + zlib.MAX_WBITS  # zlib's name for a gzip header and trailer
TEXT = re.compile(r"text/(?!event-stream)|application/(?:[a-z.-]+\+)?(?:json|javascript|xml)|image/svg\+xml", re.ASCII)
REFUSED = re.compile(r"q=0(?:\.0{1,3})?", re.ASCII)


def is_text(content_type: str) -> bool:
    """Whether an answer of this type becomes much smaller. Events are not: each is to arrive at once."""
    return TEXT.match(content_type.strip().lower()) is not None


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding accepts gzip; one that is missing or empty does not."""
    parts = [part.partition(";") for part in header.lower().split(",")]
    weights = {name.strip(): weight.strip() for name, _, weight in parts}
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and REFUSED.fullmatch(weight) is None


def gzipped(body: bytes) -> bytes:
    """The body as gzip; the same bytes give the same result."""
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return packing.compress(body) + packing.flush()
