"""The merged log of all processes."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

OWN_NAME = "bourse"
_COLORS = (36, 35, 33, 32, 34, 96, 95, 93, 92, 94)
_RED = 31


class Log:
    """Writes each line behind the padded name of its process, in colour on a terminal."""

    def __init__(
        self, names: Iterable[str], *, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        """
        Args:
            names: the names of all processes.
            stream: the output; standard output by default.
            environment: `NO_COLOR` in it turns colours off.
        """
        all_names = [OWN_NAME, *names]
        self._stream = stream or sys.stdout
        self._width = max(map(len, all_names))
        self._colored = self._stream.isatty() and not environment.get("NO_COLOR")
        self._colors = {name: _COLORS[index % len(_COLORS)] for index, name in enumerate(all_names)}

    def line(self, name: str, text: str) -> None:
        """Write a line of the process `name`."""
        self._write(f"{self._colorize(name.ljust(self._width), self._colors[name])} | {text}")

    def info(self, text: str) -> None:
        """Write a line of the supervisor."""
        self.line(OWN_NAME, text)

    def warn(self, text: str) -> None:
        """Write a warning of the supervisor."""
        self.line(OWN_NAME, self._colorize(text, _RED))

    def plain(self, text: str) -> None:
        """Write text without a name in front."""
        self._write(text)

    def _colorize(self, text: str, color: int) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._colored else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError:
            # The reader of the log is gone (a closed terminal, `| head`). The processes go on and are still stopped in
            # order; further lines are discarded.
            self._stream = open(os.devnull, "w")  # noqa: SIM115 (it stands in for standard output, until the end)
