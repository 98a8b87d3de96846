"""What all failures of the embedded services are."""


class EmbeddedError(RuntimeError):
    """An embedded service cannot run here. The message says why and what to do."""
