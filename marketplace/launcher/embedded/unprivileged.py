"""How a server that refuses to run as root is run by root all the same."""

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
    """The command prefix under which a server runs as an ordinary user, empty for whoever is not root.

    Root's home folder is often closed to others, so the one capability that opens it, `dac_override`, is kept.

    Args:
        death_signal: the signal, for example `INT`, that the server gets when its parent dies. Changing the user
            clears what the parent had arranged for that, so `setpriv` arranges it again.

    Raises:
        SetprivMissingError: this is root, and `setpriv` is not on the PATH.
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


def give(paths: Sequence[Path]) -> None:
    """Makes the user that `prefix` changes to the owner of `paths`; nothing for whoever is not root."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)
