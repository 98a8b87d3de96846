"""pytest plugin: the total of a run's coverage, and the files that are covered least, above pytest's own last lines.

It speaks when the run measures (`--cov`). What processes of the live market run is not seen, so that a low figure is a
place to look at, and none to be ashamed of.
"""

import io

import coverage
import pytest

FILES = 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("cov_source", None):
        return
    measured = coverage.Coverage()
    measured.load()
    text = io.StringIO()
    measured.report(file=text, sort="cover")
    head, rule, *lines = [line for line in text.getvalue().splitlines() if line.endswith(("%", "Cover", "---"))]
    [total] = [line for line in lines if line.startswith("TOTAL ")]
    terminalreporter.section(f"coverage: {total.split()[-1]}")
    for line in (head, rule, *[file for file in lines if file.endswith("%") and file != total][:FILES], rule, total):
        terminalreporter.write_line(line)
