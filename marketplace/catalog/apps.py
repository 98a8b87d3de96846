from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "marketplace.catalog"
    label = "catalog"

    def ready(self) -> None:
        from marketplace.catalog.services import entries, publish
        from marketplace.core import events

        events.subscribe("version.passed", publish.on_version_passed)
        events.subscribe("version.refused", publish.on_version_refused)
        events.subscribe("statistics.rolled_up", entries.on_statistics_rolled_up)
