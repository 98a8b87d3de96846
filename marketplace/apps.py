from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """The composition root: it owns the commands that start and seed the whole market."""

    name = "marketplace"
    label = "marketplace"
