"""The bench's rows: printed as a table, saved as JSON."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        ratio: the ratio to another figure, in words, or "".
        rounds: the figure of each round, of which `value` is the median.
        load: the machine's load average over the last minute when the row was finished.
    """

    name: str
    value: float
    unit: str
    how: str
    ratio: str = ""
    rounds: Sequence[float] = ()
    load: float = field(default_factory=lambda: os.getloadavg()[0])


@dataclass
class Report:
    """The results of a run.

    Attributes:
        facts: conditions of the run, such as load and threads.
    """

    rows: list[Row] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"  {row.name:<58} {row.value:>9.2f} {row.unit:<14} {row.ratio:<44} (load {row.load:.1f})", flush=True)

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        document = {"machine": machine, "facts": self.facts, "rows": [asdict(row) for row in self.rows]}
        path.write_text(json.dumps(document, indent=2) + "\n")
        return path
