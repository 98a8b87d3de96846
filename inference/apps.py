from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"
    label = "inference"

    def ready(self) -> None:
        from inference.services import dispatch, inspections, thumbnails
        from marketplace.core import events

        events.subscribe("prediction.admitted", dispatch.on_prediction_admitted)
        events.subscribe("prediction.completed", thumbnails.on_prediction_completed)
        events.subscribe("version.checked", inspections.on_version_checked)
        events.subscribe("version.passed", dispatch.on_version_passed)
