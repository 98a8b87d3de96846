"""The GPU worker: Celery rings it, the database tells it what to do, the runtime does it."""
