"""The GPU worker: Celery notifies it of pending work, the database holds the work, the runtime runs it."""
