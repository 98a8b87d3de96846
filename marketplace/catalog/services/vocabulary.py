"""Keeps the vocabulary by which mistyped words of searches are corrected."""

from django.db import connection, transaction

MAX_WORDS = 50_000
MAX_NEW_ENTRIES = 500  # whose words one sweep adds; the daily count takes all
NEW_SECONDS = 60  # longer than between two sweeps

# Words as people write them: names with digits are seldom mistyped into another word, and there are very many.
_WORDS = """
  SELECT words.word, words.ndoc AS documents, coalesce(titled.ndoc, 0) AS titled
  FROM ts_stat(%(vectors)s) words LEFT JOIN ts_stat(%(vectors)s, 'ab') titled USING (word)
  WHERE length(words.word) BETWEEN 3 AND 24 AND words.word !~ '[0-9]'
  ORDER BY titled DESC, documents DESC, word LIMIT %(limit)s
"""
_ADD = f"""
WITH found AS MATERIALIZED ({_WORDS})
INSERT INTO catalog_word AS known (word, documents, titled, deletions)
SELECT word, documents, titled, catalog_deletions(word) FROM found
ON CONFLICT (word) DO UPDATE SET titled = excluded.titled WHERE known.titled < excluded.titled
"""  # noqa: S608  # both parts are constants
_COUNT = f"""
WITH found AS MATERIALIZED ({_WORDS}),
     gone AS (DELETE FROM catalog_word WHERE word NOT IN (SELECT word FROM found))
INSERT INTO catalog_word AS known (word, documents, titled, deletions)
SELECT word, documents, titled, catalog_deletions(word) FROM found
ON CONFLICT (word) DO UPDATE SET documents = excluded.documents, titled = excluded.titled
WHERE (known.documents, known.titled) <> (excluded.documents, excluded.titled)
"""  # noqa: S608  # both parts are constants
_NEW_VECTORS = (
    f"SELECT vector FROM catalog_searchentry WHERE updated_at > now() - interval '{NEW_SECONDS} seconds' "  # noqa: S608
    f"ORDER BY updated_at DESC LIMIT {MAX_NEW_ENTRIES}"
)
_ALL_VECTORS = "SELECT vector FROM catalog_searchentry"


def add_new_words() -> None:
    """Add the words of entries that were derived during the last minute."""
    _run(_ADD, _NEW_VECTORS)


def count_words() -> None:
    """Count all words anew, which drops those that no model has any more."""
    _run(_COUNT, _ALL_VECTORS)


@transaction.atomic
def _run(statement: str, vectors: str) -> None:
    """Run one of the statements, unless another process is about it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('catalog.words', 0))")
        if cursor.fetchone() == (True,):
            cursor.execute(statement, {"vectors": vectors, "limit": MAX_WORDS})
