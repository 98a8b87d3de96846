"""The GPU worker: Celery says that there is work, the database says which, the runtime does it."""
