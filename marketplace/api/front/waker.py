"""One Redis subscription per web process, which wakes its waiting requests: for a result, or for news to stream."""

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import redis
import redis.asyncio

from inference.services.wakeups import channel_of
from marketplace.core.ids import short

log = logging.getLogger(__name__)

PAUSE = 1.0


class Waker:
    """Sets events on wake-ups, which have no content: a woken request reads the database, as it does after a timeout.

    Attributes:
        channel: the channel on which nodes report the ends of predictions that this process waits for.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.channel = f"web:{uuid.uuid4().hex[:16]}"
        self._client = client
        self._messages = client.pubsub(ignore_subscribe_messages=True)
        self._ends: dict[str, asyncio.Event] = {}
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="waker")

    async def stop(self) -> None:
        if self._task is not None:
            while not self._task.done():  # while it connects, redis-py swallows a cancellation
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=PAUSE / 10)
        await self._messages.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    @asynccontextmanager
    async def end_of(self, prediction: uuid.UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the prediction ends. Enter it before the prediction is admitted."""
        key = short(prediction)
        self._ends[key] = event = asyncio.Event()
        try:
            yield event
        finally:
            self._ends.pop(key, None)

    @asynccontextmanager
    async def news_of(self, prediction: uuid.UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever there is progress, or the end, of the prediction."""
        channel, event = channel_of(prediction), asyncio.Event()
        watchers = self._watchers[channel]
        watchers.add(event)
        if len(watchers) == 1:
            with suppress(redis.RedisError):  # the listener subscribes again when Redis is back
                await self._messages.subscribe(channel)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                del self._watchers[channel]
                with suppress(redis.RedisError):
                    await self._messages.unsubscribe(channel)

    async def _listen(self) -> None:
        while True:
            try:
                await self._messages.subscribe(self.channel, *self._watchers)
                self._wake_all()  # messages may have been missed before the subscription
                async for message in self._messages.listen():
                    self._wake(message["channel"].decode(), message["data"].decode())
            except (redis.RedisError, OSError) as error:
                log.warning("no wake-ups from Redis (%s); those who wait look by themselves", error)
                await asyncio.sleep(PAUSE)
                await self._messages.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                self._messages = self._client.pubsub(ignore_subscribe_messages=True)

    def _wake(self, channel: str, data: str) -> None:
        if channel == self.channel:
            if event := self._ends.get(data):
                event.set()
            return
        for watcher in self._watchers.get(channel, ()):
            watcher.set()

    def _wake_all(self) -> None:
        for event in self._ends.values():
            event.set()
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.set()
