"""Bourse's own half: the market itself and the Django project that composes all apps."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
