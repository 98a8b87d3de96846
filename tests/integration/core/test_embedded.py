"""The embedded services, run for real in a folder of their own."""

import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.embedded.home import Home
from marketplace.launcher.embedded.postgres import EmbeddedPostgres
from marketplace.launcher.embedded.redis import EmbeddedRedis
from marketplace.launcher.embedded.sockets import SocketsUnusableError, prepare_sockets

Service = EmbeddedPostgres | EmbeddedRedis


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a difficult path: it has a space, and other users may not enter it."""
    path = tmp_path / "a home"
    path.mkdir(mode=0o700)
    return Home(path)


@pytest.fixture
def serve() -> Iterator[Callable[[Service], subprocess.Popen[str]]]:
    started: list[tuple[Service, subprocess.Popen[str]]] = []

    def run(service: Service) -> subprocess.Popen[str]:
        service.prepare()
        process = subprocess.Popen(service.command(), stderr=subprocess.STDOUT, stdout=subprocess.DEVNULL, text=True)
        started.append((service, process))
        deadline = time.monotonic() + 30
        while not service.ready():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process

    yield run
    for service, process in started:
        process.send_signal(service.STOP_SIGNAL)
        process.wait(30)


def rows(home: Home, user: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(home.postgres_url(user=user, database="bourse")) as connection:
        return connection.execute(query).fetchall()


def test_postgres_has_both_roles_the_database_and_vectors(home, serve):
    postgres = EmbeddedPostgres(home)
    assert not postgres.ready()
    serve(postgres)
    for _ in range(2):  # existing data is kept
        postgres.ensure_databases(owner="bourse_owner", serving="bourse", database="bourse")
    assert rows(home, "bourse", "SELECT '[1,2]'::vector <-> '[1,4]'::vector") == [(2.0,)]
    assert rows(home, "bourse", "SELECT lower('ÄÖ'), 'a' < 'B'") == [("äö", False)]
    assert rows(home, "bourse", "SELECT rolsuper FROM pg_roles WHERE rolname IN ('bourse', 'bourse_owner')") == [
        (False,),
        (False,),
    ]
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'bourse'"
    assert rows(home, "bourse_owner", owner) == [("bourse_owner",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(home, "bourse", "CREATE TABLE things ()")


def test_only_this_user_reaches_the_sockets(home, serve):
    serve(EmbeddedPostgres(home))
    serve(EmbeddedRedis(home))
    assert stat.S_IMODE(home.sockets.stat().st_mode) == 0o700
    sockets = [file for file in home.sockets.iterdir() if file.is_socket()]
    assert sorted(file.name for file in sockets) == [".s.PGSQL.5432", "redis.sock"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in sockets} == {0o700}


def test_postgres_keeps_what_was_committed_when_it_is_killed(home, serve):
    postgres = EmbeddedPostgres(home)
    process = serve(postgres)
    postgres.ensure_databases(owner="bourse_owner", serving="bourse", database="bourse")
    with psycopg.connect(home.postgres_url(user="bourse_owner", database="bourse")) as connection:
        connection.execute("CREATE TABLE things AS SELECT 7 AS number")
    server = psutil.Process(process.pid)
    helpers = server.children(recursive=True)
    server.kill()
    process.wait()
    assert postgres.running_pid() is None
    psutil.wait_procs(helpers, timeout=10)  # while one runs, a new server refuses to start; supervisors retry
    serve(postgres)
    assert rows(home, "bourse_owner", "SELECT number FROM things") == [(7,)]


def test_a_server_of_an_earlier_start_is_ended_before_the_next(home, serve):
    for service in (EmbeddedPostgres(home), EmbeddedRedis(home)):
        earlier = serve(service)
        assert service.running_pid() == earlier.pid
        later = serve(service)
        assert earlier.wait(10) == 0
        assert service.running_pid() == later.pid


def test_a_stale_pid_file_is_not_mistaken_for_a_server(home, serve):
    postgres, cache = EmbeddedPostgres(home), EmbeddedRedis(home)
    for service in (postgres, cache):
        process = serve(service)
        process.kill()
        process.wait()
    pid = str(psutil.Process().pid)
    (home.postgres_data / "postmaster.pid").write_text(pid + "\n")
    (home.redis_data / "redis.pid").write_text(pid + "\n")
    assert postgres.running_pid() is None
    assert cache.running_pid() is None


def test_an_interrupted_initdb_is_repeated(home, serve):
    draft = home.postgres_data.with_name("postgres.draft")
    (draft / "base").mkdir(parents=True)
    serve(EmbeddedPostgres(home))
    assert not draft.exists()


def test_another_versions_data_is_refused_by_name(home):
    postgres = EmbeddedPostgres(home)
    postgres.prepare()
    (home.postgres_data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 16; this is 18"):
        postgres.prepare()


def test_redis_restarts_with_what_it_held(home, serve):
    cache = EmbeddedRedis(home)
    assert not cache.ready()
    process = serve(cache)
    client = redis.Redis.from_url(home.redis_url)
    client.set("key", "value")
    for name, value in {"maxmemory": str(256 * 1024**2), "maxmemory-policy": "noeviction", "appendonly": "no"}.items():
        assert client.config_get(name) == {name: value}
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    serve(cache)
    assert client.get("key") == b"value"
    client.close()


def test_a_sockets_folder_of_another_user_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "theirs")
    with pytest.raises(SocketsUnusableError):
        prepare_sockets(tmp_path / "run")
