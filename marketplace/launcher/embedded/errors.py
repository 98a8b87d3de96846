"""The base of all errors of the embedded services."""


class EmbeddedError(RuntimeError):
    """An embedded service cannot run here. The message has the reason and the remedy."""
