from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    name = "marketplace.benchmarks"
    label = "benchmarks"

    def ready(self) -> None:
        from marketplace.benchmarks.services import rounds
        from marketplace.core import events

        events.subscribe("prediction.completed", rounds.on_prediction_completed)
