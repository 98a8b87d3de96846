"""Health checks of the market, and its metrics for Prometheus."""

import redis
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from psycopg import Error
from psycopg_pool import PoolTimeout

from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources
from marketplace.api.shapes import answers
from marketplace.core import first_models

WAITING = Gauge("bourse_predictions_waiting", "Predictions that wait for a node")
RUNNING = Gauge("bourse_predictions_running", "Predictions that a node works on")
NODES = Gauge("bourse_nodes_alive", "Nodes with a fresh heartbeat")
OUTBOX = Gauge("bourse_outbox_events", "Events that were not delivered yet")

LOOK = """
SELECT (SELECT count(*) FROM inference_node WHERE heartbeat_at > now() - interval '15 seconds') AS nodes,
       EXISTS (SELECT FROM catalog_pendinglisting) AS checking,
       (SELECT count(*) FROM catalog_listing) AS listed
"""
FIGURES = """
SELECT (SELECT count(*) FROM inference_prediction WHERE status = 'starting') AS waiting,
       (SELECT count(*) FROM inference_prediction WHERE status = 'processing') AS running,
       (SELECT count(*) FROM inference_node WHERE heartbeat_at > now() - interval '15 seconds') AS nodes,
       (SELECT count(*) FROM core_outboxevent) AS outbox
"""


async def healthz(request: Request, resources: Resources) -> Response:
    """200 once the database, Redis and a node answer; after an installation, also once its first models are on sale."""
    checks = await _checks(resources)
    return json_response(checks, status=200 if all(value == "ok" for value in checks.values()) else 503)


async def readyz(request: Request, resources: Resources) -> Response:
    """200 once this process can take requests, even if no node is alive to run them."""
    checks = await _checks(resources)
    ready = checks["database"] == checks["redis"] == "ok"
    return json_response(checks, status=200 if ready else 503)


async def metrics(request: Request, resources: Resources) -> Response:
    """Metrics of the whole market in Prometheus's text format."""
    row = await resources.fetch_one(FIGURES, {})
    assert row is not None
    WAITING.set(row["waiting"])
    RUNNING.set(row["running"])
    NODES.set(row["nodes"])
    OUTBOX.set(row["outbox"])
    return Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _checks(resources: Resources) -> answers.Health:
    checks: answers.Health = {"database": "ok", "redis": "ok", "node": "ok"}
    row, wanted = None, 0
    try:
        row = await resources.fetch_one(LOOK, {})
    except (Error, PoolTimeout):
        checks["database"], checks["node"] = "does not answer", "unknown"
    try:
        wanted = int(await resources.redis.get(first_models.KEY) or 0)
    except (redis.RedisError, OSError):
        checks["redis"] = "does not answer"
    if row is not None and not row["nodes"]:
        checks["node"] = "no node has sent a heartbeat for 15 seconds"
    if row is not None and row["checking"] and row["listed"] < wanted:
        checks["models"] = "the first ones are being checked by a node"
    return checks
