"""Runs a server as an ordinary user when Bourse itself runs as root."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from marketplace.launcher.embedded.errors import EmbeddedError

NOBODY = 65534


class SetprivMissingError(EmbeddedError):
    """Root starts PostgreSQL through `setpriv`, which is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL does not run as root, and `setpriv`, which would start it as another user, is not installed. "
            "Install util-linux (apt install util-linux), or run Bourse as an ordinary user."
        )


def prefix(*, death_signal: str | None = None) -> list[str]:
    """The command prefix that runs a server as an ordinary user; empty unless the user is root.

    Root's home folder is often closed to other users, so the capability `dac_override` is kept.

    Args:
        death_signal: the signal, for example `INT`, that the server gets when its parent dies. Changing the user
            clears the parent's setting, so `setpriv` sets it again.

    Raises:
        SetprivMissingError: the user is root, and `setpriv` is not on the PATH.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SetprivMissingError
    command = [setpriv, "--securebits=+no_setuid_fixup", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*command, f"--pdeathsig={death_signal}"] if death_signal else command


def owner() -> int:
    """The user id that owns the files of a server started with `prefix`."""
    return os.geteuid() or NOBODY


def change_owner(paths: Sequence[Path]) -> None:
    """Make the user of `prefix` the owner of `paths`. Does nothing unless the user is root."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)
