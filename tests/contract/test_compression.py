"""Stock HTTP clients read compressed answers of a live market."""

import httpx
import pytest
import requests

from tests.support.market import Market

TEXTS = ("/", "/models", "/api/schema/", "/v1/models", "/docs/api")


@pytest.mark.parametrize("path", TEXTS)
def test_stock_clients_read_texts(market: Market, path: str):
    address = market.base_url + path
    plain = httpx.get(address, headers={"Accept-Encoding": "identity"}, timeout=30)
    assert "content-encoding" not in plain.headers
    for answer in (httpx.get(address, timeout=30), requests.get(address, timeout=30)):
        assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert len(answer.content) > 0.9 * len(plain.content)
        assert int(answer.headers["content-length"]) < len(plain.content) / 2
        if path.startswith(("/api", "/v1")):  # the number of runs of a model grows meanwhile
            assert answer.json().keys() == plain.json().keys()
    head = httpx.head(address, timeout=30)
    assert (head.status_code, head.content) == (200, b"")


def test_static_files_are_compressed_and_fonts_are_not(market: Market):
    page = httpx.get(market.base_url + "/", timeout=30).text
    linked = {part.split('"')[0] for part in page.split('"/static/')[1:]}
    texts = [name for name in linked if name.endswith((".js", ".css", ".svg"))]
    assert any(name.endswith(".js") for name in texts)
    assert any(name.endswith(".css") for name in texts)
    for name in texts:
        answer = httpx.get(f"{market.base_url}/static/{name}", timeout=30)
        small = len(answer.content) < 1_024
        assert small or answer.headers["content-encoding"] == "gzip", name
        assert "immutable" in answer.headers["cache-control"]
    for name in [name for name in linked if name.endswith((".woff2", ".png"))]:
        assert "content-encoding" not in httpx.get(f"{market.base_url}/static/{name}", timeout=30).headers
