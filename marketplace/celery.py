"""The Celery application: notices for nodes, tasks for the platform worker, and the schedule of periodic tasks."""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

PLATFORM_QUEUE = "platform"

app = Celery("bourse")
app.config_from_object(
    {
        "broker_url": settings.CELERY_BROKER_URL,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_default_queue": PLATFORM_QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_pool_limit": 4,
        "broker_transport_options": {
            # Messages carry no work, so no long-running task is ever unacknowledged.
            "visibility_timeout": 3600,
            "queue_order_strategy": "round_robin",
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
        },
        "beat_schedule": {
            "outbox": {"task": "core.relay_outbox", "schedule": 1.0, "options": {"expires": 5}},
            "outbox-outside": {"task": "core.relay_outbox_outside", "schedule": 1.0, "options": {"expires": 5}},
            "sweep": {"task": "inference.sweep", "schedule": 5.0, "options": {"expires": 10}},
            "thumbnails": {"task": "inference.make_thumbnails", "schedule": 2.0, "options": {"expires": 2}},
            "providers": {"task": "providers.sweep", "schedule": 10.0, "options": {"expires": 10}},
            "benchmarks": {"task": "benchmarks.sweep", "schedule": 5.0, "options": {"expires": 10}},
            "proof": {"task": "billing.prove_ledger", "schedule": 2.0, "options": {"expires": 5}},
            "statistics": {"task": "inference.roll_up", "schedule": 30.0, "options": {"expires": 30}},
            "uploads": {"task": "providers.sweep_uploads", "schedule": 600.0, "options": {"expires": 600}},
        },
        "timezone": "UTC",
    }
)

app.autodiscover_tasks(["marketplace.core", "billing", "inference", "marketplace.benchmarks"])
app.autodiscover_tasks(["providers", "providers.hub"], related_name="celery_tasks")
