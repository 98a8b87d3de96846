"""One id for each HTTP request: in its answer, in its problem document and in every log line that belongs to it."""

import logging
import re
from contextvars import ContextVar

from marketplace.core.ids import new_id

WELL_FORMED = re.compile(r"[A-Za-z0-9._:@+=-]{1,128}", re.ASCII)

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(given: str | None) -> str:
    """The id of the request that begins in this context: the caller's own if it is well-formed, else a UUIDv7.

    Threads and tasks that the request starts inherit it with their context.
    """
    id_ = given if given is not None and WELL_FORMED.fullmatch(given) else str(new_id())
    _current.set(id_)
    return id_


def current_request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _current.get()


class RequestIdFilter(logging.Filter):
    """Adds `request` to a log record: the request's id in brackets, or nothing outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        id_ = current_request_id()
        record.request = f" [{id_}]" if id_ else ""
        return True
