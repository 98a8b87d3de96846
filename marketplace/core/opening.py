"""A market that has just been made opens once its first models are on sale, so that nobody finds empty shelves."""

import redis
from django.conf import settings

KEY = "opening"  # in Redis, how many models are waited for
MAX_OPENING_SECONDS = 300


def begin(*, models: int) -> None:
    """Say that so many models are being checked before the market opens.

    It is forgotten after five minutes, whatever became of them.
    """
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
    with client:
        client.set(KEY, models, ex=MAX_OPENING_SECONDS)
