"""Whether the market can serve, and its figures for Prometheus."""

import redis
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from psycopg import Error
from psycopg_pool import PoolTimeout

from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources

WAITING = Gauge("bourse_predictions_waiting", "Predictions that wait for a node")
RUNNING = Gauge("bourse_predictions_running", "Predictions that a node works on")
NODES = Gauge("bourse_nodes_alive", "Nodes with a fresh heartbeat")
OUTBOX = Gauge("bourse_outbox_events", "Events that were not delivered yet")

ALIVE = "SELECT count(*) AS nodes FROM inference_node WHERE heartbeat_at > now() - interval '15 seconds'"
FIGURES = """
SELECT (SELECT count(*) FROM inference_prediction WHERE status = 'starting') AS waiting,
       (SELECT count(*) FROM inference_prediction WHERE status = 'processing') AS running,
       (SELECT count(*) FROM inference_node WHERE heartbeat_at > now() - interval '15 seconds') AS nodes,
       (SELECT count(*) FROM core_outboxevent) AS outbox
"""


async def healthz(request: Request, resources: Resources) -> Response:
    """200 once the database, Redis and a node answer."""
    checks = await _checks(resources)
    return json_response(checks, status=200 if all(value == "ok" for value in checks.values()) else 503)


async def readyz(request: Request, resources: Resources) -> Response:
    """200 once this process can take requests, whether or not a node is there to run them."""
    checks = await _checks(resources)
    ready = checks["database"] == checks["redis"] == "ok"
    return json_response(checks, status=200 if ready else 503)


async def metrics(request: Request, resources: Resources) -> Response:
    """Figures of the whole market in Prometheus's text format."""
    row = await resources.fetch_one(FIGURES, {})
    assert row is not None
    WAITING.set(row["waiting"])
    RUNNING.set(row["running"])
    NODES.set(row["nodes"])
    OUTBOX.set(row["outbox"])
    return Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _checks(resources: Resources) -> dict[str, str]:
    checks = {"database": "ok", "redis": "ok", "node": "ok"}
    try:
        row = await resources.fetch_one(ALIVE, {})
        if row is None or not row["nodes"]:
            checks["node"] = "no node has sent a heartbeat for 15 seconds"
    except (Error, PoolTimeout):
        checks |= {"database": "does not answer", "node": "unknown"}
    try:
        await resources.redis.ping()
    except (redis.RedisError, OSError):
        checks["redis"] = "does not answer"
    return checks
