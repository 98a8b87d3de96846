"""A new market reports itself healthy only once its first models are listed."""

import redis
from django.conf import settings

KEY = "opening"  # in Redis: how many models must be listed first
MAX_WAIT_SECONDS = 300


def expect(count: int) -> None:
    """Make `/healthz` wait until `count` models are listed, for `MAX_WAIT_SECONDS` at most."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
    with client:
        client.set(KEY, count, ex=MAX_WAIT_SECONDS)
