"""What the platform worker does for the catalogue."""

from celery import shared_task

from marketplace.catalog.services import entries, vocabulary


@shared_task(name="catalog.sweep")
def sweep() -> None:
    """Mend entries of the catalogue, and learn new words."""
    entries.sweep()
    vocabulary.add_new_words()


@shared_task(name="catalog.count_words")
def count_words() -> None:
    """Count the words of all models on sale."""
    vocabulary.count_words()
