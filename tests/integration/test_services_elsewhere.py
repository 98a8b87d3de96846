"""The same market on a database, a Redis and a store that it does not run itself."""

import secrets
import urllib.request
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.market import start_market
from tests.support.services import home

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chaos")]


def test_given_services_are_used_and_none_is_started(tmp_path: Path):
    database = f"elsewhere_{secrets.token_hex(4)}"
    with psycopg.connect(home.postgres_url(user="postgres", database="postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} OWNER bourse_owner").format(sql.Identifier(database)))
    blobs, state = tmp_path / "blobs", tmp_path / "state"
    state.mkdir()
    environment = {
        "DATABASE_URL": home.postgres_url(user="bourse", database=database),
        "DATABASE_OWNER_URL": home.postgres_url(user="bourse_owner", database=database),
        "REDIS_URL": f"unix://{home.redis_socket}?db=0",
        "CELERY_BROKER_URL": f"redis+socket://{home.redis_socket}?virtual_host=0",
        "STORAGE_URL": f"file://{blobs}",
        "SECRET_KEY": secrets.token_hex(32),
        "RECEIPT_KEY": secrets.token_hex(32),
    }
    with start_market(state, **environment) as market:
        with urllib.request.urlopen(f"{market.base_url}/models", timeout=30) as answer:
            assert b"icon-hero" in answer.read()
        with psycopg.connect(environment["DATABASE_OWNER_URL"]) as connection:
            made = connection.execute("SELECT count(*), min(status), max(status) FROM inference_prediction").fetchone()
        assert made == (44, "succeeded", "succeeded")  # three models, and the calls under contract
    assert not (state / "postgres").exists()
    assert not (state / "redis").exists()
    assert not (state / "secrets").exists()
    assert len(list(blobs.glob("sha256/*/*"))) > 44
