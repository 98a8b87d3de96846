"""Prices are multiplied in one place: what a call costs is `rate`'s answer, in Python and in SQL."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
APPS = ("billing", "inference", "marketplace", "providers")
HOME = ROOT / "billing" / "pricing" / "domain.py"
MONEY = {"amount", "unit_amount", "unit_price", "price", "each"}  # micro-units under these names
PRODUCT = re.compile(r"\bamount\b[\w:]*\s*\*|\*\s*(?:\w+\.)?amount\b")
SQL_HOME = "billing_rate.sql"


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def products_of_money(source: str) -> list[int]:
    """Lines that multiply something called as money is."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
        if MONEY & {name_of(node.left), name_of(node.right)}
    ]


def test_the_search_finds_what_it_looks_for():
    assert products_of_money("held = one.quantity * price.amount\ntotal = 2 * rest") == [1]
    assert PRODUCT.search("'amount', o.accepted * p.amount")
    assert PRODUCT.search("p_amount * 2") is None


def test_python_multiplies_prices_in_one_module():
    drawings = ROOT / "marketplace" / "demo" / "recipe"  # has no money, and amounts of colour
    sources = [path for app in APPS for path in (ROOT / app).rglob("*.py") if drawings not in path.parents]
    assert HOME in sources
    found = {path: lines for path in sources if (lines := products_of_money(path.read_text()))}
    allowed = {HOME, ROOT / "marketplace" / "web" / "console" / "charts.py"}  # the chart's price is a place on its axis
    assert set(found) <= allowed, found


def test_sql_multiplies_prices_in_one_function():
    files = [path for app in APPS for path in (ROOT / app / "sql").rglob("*.sql")]
    assert SQL_HOME in {path.name for path in files}
    assert [path.name for path in files if PRODUCT.search(path.read_text()) and path.name != SQL_HOME] == []
