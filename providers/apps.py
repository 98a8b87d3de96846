from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    label = "providers"
    append_only = ("Blob", "NamespaceBlob", "VersionFile")

    def ready(self) -> None:
        from marketplace.core import events
        from providers import tasks
        from providers.services import dispatch

        tasks.register_all()
        events.subscribe("version.committed", dispatch.on_version_committed)
