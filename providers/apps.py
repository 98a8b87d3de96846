from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    label = "providers"
    append_only = ("Blob", "VersionFile")

    def ready(self) -> None:
        from providers import tasks

        tasks.register_all()
