"""The folder of unix sockets."""

import os
from pathlib import Path

from marketplace.launcher.embedded.errors import EmbeddedError


class SocketsUnusableError(EmbeddedError):
    """The folder of unix sockets belongs to another user."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} belongs to another user. Run Bourse as that user, or choose another home: BOURSE_HOME=…"
        )


def prepare_sockets(folder: Path) -> None:
    """Create the folder of unix sockets, which only this user may enter.

    It may be in the shared temporary folder, where another user could have created it first.

    Raises:
        SocketsUnusableError: the folder exists and belongs to another user.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.lstat().st_uid != os.geteuid():
        raise SocketsUnusableError(folder)
    folder.chmod(0o700)
