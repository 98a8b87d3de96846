from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"
    label = "inference"

    def ready(self) -> None:
        from inference.services import dispatch, inspections
        from marketplace.core import events

        events.subscribe("prediction.admitted", dispatch.ring_all)
        events.subscribe("version.checked", inspections.request_all)
        events.subscribe("version.passed", dispatch.warm_all)
