"""A market that has just been made opens once its first models are on sale, so that nobody finds empty shelves."""

import redis
from django.conf import settings

KEY = "opening"  # in Redis, for as long as the opening may be waited for
LONGEST_SECONDS = 300


def begin() -> None:
    """Say that the first models are being checked. Forgotten after five minutes, whatever became of them."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
    with client:
        client.set(KEY, 1, ex=LONGEST_SECONDS)
