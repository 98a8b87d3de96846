"""One readable log of many processes."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

OWN_NAME = "bourse"
_COLORS = (36, 35, 33, 32, 34, 96, 95, 93, 92, 94)
_RED = 31


class Log:
    """Writes each line behind the padded name of who said it, in colour where a terminal shows it."""

    def __init__(
        self, names: Iterable[str], *, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        """
        Args:
            names: of all processes that will be heard.
            stream: where to; standard output by default.
            environment: where `NO_COLOR` is looked up.
        """
        heard = [OWN_NAME, *names]
        self._stream = stream or sys.stdout
        self._width = max(map(len, heard))
        self._colored = self._stream.isatty() and not environment.get("NO_COLOR")
        self._colors = {name: _COLORS[index % len(_COLORS)] for index, name in enumerate(heard)}

    def line(self, name: str, text: str) -> None:
        """A line that the process `name` said."""
        self._write(f"{self._paint(name.ljust(self._width), self._colors[name])} | {text}")

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        self.line(OWN_NAME, text)

    def warn(self, text: str) -> None:
        """A line of the supervisor's own that something went wrong."""
        self.line(OWN_NAME, self._paint(text, _RED))

    def plain(self, text: str) -> None:
        """Text without a name before it."""
        self._write(text)

    def _paint(self, text: str, color: int) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._colored else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError:
            # Whoever read the log is gone (a closed terminal, `| head`). The processes go on and are still stopped
            # in order; there is just nobody left to tell.
            self._stream = open(os.devnull, "w")  # noqa: SIM115 (it stands in for standard output, until the end)
