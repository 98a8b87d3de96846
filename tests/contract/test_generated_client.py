"""A client that a stranger generates from the API document: complete, strictly typed, and right about a live market."""

from pathlib import Path

import httpx
import pytest

from marketplace.api.routes import document
from tests.support.generated_client import PACKAGE, generate_client, run
from tests.support.market import Market


@pytest.mark.slow
def test_it_has_every_operation_and_passes_strict_types_with_a_program_that_uses_it(tmp_path: Path):
    generate_client(document(), tmp_path)
    made = {path.stem for path in (tmp_path / PACKAGE / "api" / "default").glob("*.py")} - {"__init__"}
    described = [operation for methods in document()["paths"].values() for operation in methods.values()]
    assert made == {operation["operationId"] for operation in described}
    assert "Success: no issues found" in run(tmp_path, "-m", "mypy", "--config-file", "mypy.ini", PACKAGE, "program.py")


def test_it_lists_models_runs_one_and_reads_a_refusal(market: Market, tmp_path: Path):
    generate_client(httpx.get(f"{market.base_url}/api/schema/").json(), tmp_path)
    key, model = market.demo["buyer"]["api_key"], market.demo["models"][0]
    printed = run(tmp_path, "program.py", market.base_url, key, model).splitlines()
    assert printed[0].startswith("succeeded 0.0")
    assert printed[1] == "404 There is no such prediction"
