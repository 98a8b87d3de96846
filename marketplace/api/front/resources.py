"""Shared resources of a web process: connections to PostgreSQL and Redis, and the listener for wake-ups."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import redis
import redis.asyncio
from django.conf import settings
from django.db import connections
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from inference.services import dispatch
from marketplace.api.front.waker import Waker

log = logging.getLogger(__name__)

ASSEMBLIES = 2  # uploads assembled concurrently; each occupies a thread for seconds

P = ParamSpec("P")
T = TypeVar("T")


class Resources:
    """The shared resources; opened when the process starts to serve, closed when it stops."""

    def __init__(self) -> None:
        self.pool = AsyncConnectionPool[Any](
            settings.DATABASE_URL,
            min_size=2,
            max_size=settings.POSTGRES_POOL_SIZE,
            open=False,
            timeout=10,
            kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": 1},
        )
        self.redis = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=30, socket_connect_timeout=2)
        self.waker = Waker(self.redis)
        self.assembling = asyncio.Semaphore(ASSEMBLIES)

    async def open(self) -> None:
        await self.pool.open(wait=False)
        self.waker.start()

    async def close(self) -> None:
        await self.waker.stop()
        await self.pool.close()
        await self.redis.aclose()

    async def fetch_one(self, sql: str, parameters: Mapping[str, Any]) -> DictRow | None:
        """The first row of a statement."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(sql.encode(), parameters)
            row: DictRow | None = await cursor.fetchone()
            return row

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(sql.encode(), parameters)

    async def notify_node(self, version: str) -> None:
        """As `dispatch.notify_node`, without blocking the event loop."""
        try:
            pipe = self.redis.pipeline(transaction=False)
            dispatch.ask_listeners(pipe, version)
            is_first, listeners = await pipe.execute()
        except (redis.RedisError, OSError) as error:
            dispatch.log_failure(version, error)
            return
        if is_first:
            await asyncio.to_thread(dispatch.notify, version, listeners=listeners)


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking code that uses Django's connections in a thread, then return them to their pool."""

    def run() -> T:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)
