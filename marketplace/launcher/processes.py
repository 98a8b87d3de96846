"""The table of a market's processes: commands, dependencies and readiness checks."""

import http.client
import json
import os
import sys

from django.conf import settings

from marketplace.launcher.embedded.postgres import EmbeddedPostgres
from marketplace.launcher.embedded.redis import EmbeddedRedis
from marketplace.launcher.supervisor import ProcessSpec

# The address at which a browser on this machine reaches a server that listens on every address.
LOCAL_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 (looked up, not bound)


def embedded_services() -> list[ProcessSpec]:
    """PostgreSQL and Redis, each unless the environment has its URL."""
    specs = []
    if settings.EMBEDDED_POSTGRES:
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]  # libpq's defaults for another server (PGPORT, PGOPTIONS) would apply to this one too
        postgres = EmbeddedPostgres(settings.HOME)
        specs.append(
            ProcessSpec(
                name="postgres",
                command=tuple(postgres.command()),
                prepare=postgres.prepare,
                ready=postgres.ready,
                stop_signal=postgres.STOP_SIGNAL,
                stop_seconds=30,
                death_signal=postgres.STOP_SIGNAL,
            )
        )
    if settings.EMBEDDED_REDIS:
        redis = EmbeddedRedis(settings.HOME)
        specs.append(
            ProcessSpec(
                name="redis",
                command=tuple(redis.command()),
                prepare=redis.prepare,
                ready=redis.ready,
                stop_signal=redis.STOP_SIGNAL,
                death_signal=redis.STOP_SIGNAL,
            )
        )
    return specs


def market(*, demo: bool) -> list[ProcessSpec]:
    """Bourse's own processes: the preparation, the four long-running ones, and the demo's history."""
    services = (("postgres",) if settings.EMBEDDED_POSTGRES else ()) + (("redis",) if settings.EMBEDDED_REDIS else ())
    environment = {"PYTHONUNBUFFERED": "1"}
    threads = os.environ.get("OMP_NUM_THREADS") or str(settings.NODE_THREADS or _cores())
    web = ["-m", "uvicorn", "marketplace.asgi:application", "--host", settings.HOST, "--port", str(settings.PORT)]
    web += ["--lifespan", "on", "--no-access-log", "--timeout-graceful-shutdown", "5"]
    specs = [
        ProcessSpec(
            name="prepare",
            command=_python("manage.py", "prepare", *([] if demo else ["--no-demo"])),
            environment=environment,
            needs=services,
            once=True,
        ),
        ProcessSpec(
            name="web",
            command=_python(*web),
            environment=environment,
            needs=("prepare",),
            ready=lambda: answers("/readyz"),
            ready_seconds=180,
        ),
        ProcessSpec(
            name="node",
            command=_python("manage.py", "node"),
            environment={**environment, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
            needs=("prepare",),
            ready=lambda: answers("/healthz"),  # 200 once a node has sent a heartbeat
            ready_seconds=300,
            stop_seconds=20,
        ),
        ProcessSpec(
            name="platform",
            command=_python("manage.py", "platform"),
            environment=environment,
            needs=("prepare",),
            stop_seconds=20,
        ),
        ProcessSpec(name="beat", command=_python("manage.py", "beat"), environment=environment, needs=("prepare",)),
    ]
    if demo:
        specs.append(
            ProcessSpec(
                name="history",
                command=_python("manage.py", "demo", "history"),
                environment=environment,
                needs=("web", "node"),
                once=True,
                required=False,
            )
        )
    return specs


def answers(path: str) -> bool:
    """Whether the site answers `path` with 200."""
    connection = http.client.HTTPConnection(LOCAL_ADDRESS.get(settings.HOST, settings.HOST), settings.PORT, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def startup_message() -> str:
    """The text that is printed when all processes are up: the URL and the demo's credentials."""
    lines = ["", f"Bourse is up: {settings.BASE_URL}"]
    try:
        buyer = json.loads((settings.HOME.path / "demo.json").read_text())["buyer"]
        lines += ["Sign in as the demo's buyer:", f"  e-mail    {buyer['email']}", f"  password  {buyer['password']}"]
    except FileNotFoundError:
        pass  # there is no demo market
    return "\n".join([*lines, "Ctrl-C stops everything.", ""])


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)
