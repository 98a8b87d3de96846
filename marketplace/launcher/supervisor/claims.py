"""Checks before the start that no other process uses the home or the port."""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from marketplace.launcher.supervisor.errors import SupervisorError


class HomeTakenError(SupervisorError):
    """Another supervisor runs on this home."""

    def __init__(self, home: Path, note: str) -> None:
        super().__init__(
            f"Bourse already runs on {home} ({note or 'its process is just starting'}). Use that one, stop it with "
            "Ctrl-C, or start this one on another home and port: BOURSE_HOME=… PORT=… make run"
        )


class PortTakenError(SupervisorError):
    """Another process listens on the site's port."""

    def __init__(self, port: int, holder: str) -> None:
        super().__init__(f"Port {port} is taken by {holder}; stop it or choose another: PORT={port + 1} make run")


class AddressUnusableError(SupervisorError):
    """The site cannot listen on this address."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"The site cannot listen on {host}, port {port}: {reason}. Set HOST and PORT to what it may use."
        )


@contextlib.contextmanager
def claim_home(home: Path, *, site: str) -> Iterator[None]:
    """Hold the lock of a home. The kernel releases it when this process ends, even after SIGKILL.

    Args:
        home: the folder, created if missing.
        site: the site's URL, for the error message of a second start.

    Raises:
        HomeTakenError: another process holds the lock.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise HomeTakenError(home, file.read().strip()) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, {site}")
        file.flush()
        yield


def claim_port(host: str, port: int) -> None:
    """Check that the site can listen on `host`:`port`.

    Raises:
        PortTakenError: another process listens there.
        AddressUnusableError: the address is not this machine's, or this user may not use the port.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(port, _listener(port)) from None
        raise AddressUnusableError(host, port, error.strerror or str(error)) from None


def _listener(port: int) -> str:
    """Name and id of the process that listens on a port, if this user may see them."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another process"
