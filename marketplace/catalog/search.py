"""Searching the models on sale: words, filters, orders, pages by key, and how many models each filter leaves.

Every function sends a constant number of queries. Each reads a bounded number of rows of an index, but for counts of
models with words: they are exact, so all that have the words are read once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.postgres.search import SearchQueryField
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, DateTimeField, F, Field, FloatField, Func, QuerySet, Value
from django.db.models.functions import Cast

from marketplace.catalog.cursors import Cursor, read_cursor
from marketplace.catalog.domain import BANDS
from marketplace.catalog.models import Listing, SearchEntry
from marketplace.catalog.selectors import Offer, offers_of
from marketplace.catalog.words import MIN_CORRECTED_LENGTH, nearest, prefix_query, search_words
from providers import tasks

PAGE_SIZE = 25
MAX_PAGE_SIZE = 100
MAX_RANKED = 1_000  # the most used of the models that have the words are ranked; the others come in no ranked list
MAX_COUNT = 1_000  # counts are exact up to here
MAX_VALUES = 8  # of a facet that has very many, such as providers
MAX_CANDIDATES = 200
MAX_MODELS_COUNTED = 10_000


@dataclass(frozen=True)
class Order:
    """An order of models: by a column of their entries, then by age; equal values are no reason to skip one."""

    column: str
    kind: type
    is_descending: bool = True


ORDERS: Mapping[str, Order] = {
    "relevance": Order("rank", float),
    "popular": Order("runs", int),
    "newest": Order("created_at", datetime),
    "cheapest": Order("price_or_last", int, is_descending=False),
    "fastest": Order("seconds_or_last", float, is_descending=False),
}
SORTS = ("popular", "newest", "cheapest", "fastest")  # those that people choose from
TYPES: Mapping[type, "Field[Any, Any]"] = {int: BigIntegerField(), float: FloatField(), datetime: DateTimeField()}
KINDS = {name: order.kind for name, order in ORDERS.items()}

# The columns of the facets, in the order in which pages show them.
FACETS = {
    "task": "task",
    "price": "price_band",
    "speed": "speed_band",
    "success": "success_band",
    "license": "license",
    "provider": "owner",
}


@dataclass(frozen=True)
class Search:
    """What is asked for.

    Attributes:
        text: words as they were typed; none: all models.
        facets: the value that is chosen of each facet in `FACETS`; those without one are left out.
        sort: one of `ORDERS`; empty: by relevance if there are words, else the most used first.
        is_exact: whether the words are meant as they are, also if no model has them.
    """

    text: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    is_exact: bool = False

    @property
    def order(self) -> str:
        """The order that results: relevance needs words."""
        wanted = self.sort if self.sort in ORDERS else "relevance"
        return "popular" if wanted == "relevance" and not self.text.strip() else wanted


@dataclass(frozen=True)
class Found:
    """The words of a search as they are looked for.

    Attributes:
        query: for PostgreSQL; None: there are no words, so every model matches.
        corrected: the words, if one of them was corrected; else empty.
        is_impossible: whether the text has no word that a model could have.
    """

    query: str | None = None
    corrected: str = ""
    is_impossible: bool = False


@dataclass(frozen=True)
class Page:
    """One page of models, and the cursors of the pages after and before it; None: there is none."""

    offers: Sequence[Offer]
    following: Cursor | None = None
    preceding: Cursor | None = None


@dataclass(frozen=True)
class FacetValue:
    """How many models a value of a facet leaves; more than `MAX_COUNT` stands for any larger number."""

    value: str
    count: int
    is_chosen: bool


def understand(search: Search) -> Found:
    """The words of a search, those that no model has replaced by the nearest that one has."""
    words = search_words(search.text)
    if not words:
        return Found(is_impossible=bool(search.text.strip()))
    stems, unknown = _look_up(words)
    corrections = {} if search.is_exact else _corrections(unknown)
    if not corrections:
        return Found(prefix_query(words, stems))
    words = [corrections.get(word, word) for word in words]
    return Found(prefix_query(words, {word: stems[word] for word in words if word in stems}), " ".join(words))


def _look_up(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The English stems of words, and those words that no known word begins with."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.word, coalesce(stem.word, ''),
                   EXISTS (SELECT FROM catalog_word known
                           WHERE known.word >= asked.word AND known.word < asked.word || chr(1114111))
                   OR EXISTS (SELECT FROM catalog_word known WHERE length(stem.word) > 2
                              AND known.word >= stem.word AND known.word < stem.word || chr(1114111))
            FROM unnest(%s::text[]) asked(word), LATERAL (SELECT (ts_lexize('english_stem', asked.word))[1]) stem(word)
            """,
            [list(words)],
        )
        rows = cursor.fetchall()
    stems = {word: stem for word, stem, _ in rows}
    unknown = [word for word, stem, is_known in rows if stem and not is_known and len(word) >= MIN_CORRECTED_LENGTH]
    return stems, unknown


def _corrections(unknown: Sequence[str]) -> dict[str, str]:
    """Those of the words that no model has, with the nearest word that one has."""
    if not unknown:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.word, near.word, near.titled, near.documents
            FROM unnest(%s::text[]) asked(word), LATERAL (
              SELECT known.word, known.titled, known.documents FROM catalog_word known
              WHERE known.deletions && catalog_deletions(asked.word)
              ORDER BY known.titled DESC, known.documents DESC LIMIT %s) near
            WHERE NOT EXISTS (SELECT FROM catalog_searchentry e
                              WHERE e.vector @@ (quote_literal(asked.word) || ':*')::tsquery)
            """,
            [list(unknown), MAX_CANDIDATES],
        )
        candidates: dict[str, dict[str, tuple[int, int]]] = {word: {} for word in unknown}
        for word, near, titled, documents in cursor.fetchall():
            candidates[word][near] = (titled, documents)
    found = {word: nearest(word, near) for word, near in candidates.items()}
    return {word: near for word, near in found.items() if near is not None}


def page_of(search: Search, found: Found, *, cursor: Cursor | None = None, size: int = PAGE_SIZE) -> Page:
    """The page of models that begins at a cursor, by default the first.

    Walking the pages shows each model that matches all the time and keeps its place once. One that is repriced, called
    or listed meanwhile is shown where it stands when its place is reached, so perhaps never or twice.

    Raises:
        NoSuchPage: the cursor belongs to another order.
    """
    if found.is_impossible:
        return Page([])
    column = ORDERS[search.order].column
    rows = list(rows_of(search, found, cursor).values_list("pk", column)[: size + 1])
    kept, more = rows[:size], len(rows) > size
    is_backward = cursor is not None and cursor.is_backward
    if is_backward:
        kept.reverse()
    has_next, has_previous = (True, more) if is_backward else (more, cursor is not None)
    ends = [Cursor(search.order, value, id_) for id_, value in (kept[-1:] + kept[:1])]
    return Page(
        offers_of([id_ for id_, _ in kept]),
        following=ends[0] if has_next and kept else None,
        preceding=replace(ends[1], is_backward=True) if has_previous and kept else None,
    )


def rows_of(search: Search, found: Found, cursor: Cursor | None) -> QuerySet[SearchEntry]:
    """The entries from a cursor on, with the order's column; before the cursor, the nearest first."""
    order = ORDERS[search.order]
    entries = _matching(found, search.facets)
    if search.order == "relevance":
        entries = _ranked(entries, found)
    if cursor is not None:
        entries = entries.filter(_beyond(order, cursor))
    sign = "-" if order.is_descending != (cursor is not None and cursor.is_backward) else ""
    return entries.order_by(f"{sign}{order.column}", f"{sign}pk")


def cursor_in(text: str, search: Search) -> Cursor | None:
    """The cursor of an address; None for an empty text. Raises NoSuchPage: it is none of this search's order."""
    if not text:
        return None
    return read_cursor(text, kinds={search.order: KINDS[search.order]})


def _matching(found: Found, facets: Mapping[str, str]) -> QuerySet[SearchEntry]:
    entries = SearchEntry.objects.filter(**{FACETS[name]: value for name, value in facets.items()})
    return entries if found.query is None else entries.filter(_has_words(found.query))


def _query(text: str) -> Cast:
    return Cast(Value(text), output_field=SearchQueryField())


def _has_words(query: str) -> Func:
    return Func(F("vector"), _query(query), template="%(expressions)s", arg_joiner=" @@ ", output_field=BooleanField())


def _ranked(entries: QuerySet[SearchEntry], found: Found) -> QuerySet[SearchEntry]:
    """The most used of these entries, with the rank of their words."""
    assert found.query is not None  # without words there is no order by relevance
    rank = Func(F("vector"), _query(found.query), function="ts_rank")
    candidates = entries.order_by("-runs", "-pk").values("pk")[:MAX_RANKED]
    return SearchEntry.objects.filter(pk__in=candidates).annotate(rank=Cast(rank, output_field=FloatField()))


def _beyond(order: Order, cursor: Cursor) -> Func:
    """The condition of being after a cursor, or before it, as a comparison of rows that an index can serve."""
    value = Cast(Value(cursor.value), output_field=TYPES[order.kind])
    return Func(
        Func(F(order.column), F("pk"), function="ROW"),
        Func(value, Value(cursor.id), function="ROW"),
        template="%(expressions)s",
        arg_joiner=" < " if order.is_descending != cursor.is_backward else " > ",
        output_field=BooleanField(),
    )


def counts_of(search: Search, found: Found) -> tuple[int, dict[str, list[FacetValue]]]:
    """How many models match, and how many would with each value of each facet instead of the chosen one.

    Values that leave no model are left out, unless chosen. A count above `MAX_COUNT` stands for any larger number.
    """
    if found.is_impossible:
        return 0, {}
    common = _common_values(search, found)
    asked = [(name, value) for name, values in common.items() for value in values]
    conditions = [search.facets, *({**search.facets, name: value} for name, value in asked)]
    total, *counts = _count_each(found, conditions)
    facets: dict[str, list[FacetValue]] = {name: [] for name in FACETS}
    for (name, value), count in zip(asked, counts, strict=True):
        is_chosen = search.facets.get(name) == value
        if count or is_chosen:
            facets[name].append(FacetValue(value, count, is_chosen))
    return total, facets


def _common_values(search: Search, found: Found) -> dict[str, list[str]]:
    """The values of each facet that are counted: all if they are few, else the commonest of the most used models."""
    values = {
        "task": tasks.task_names(),
        "price": [band.name for band in BANDS["price"]],
        "speed": [band.name for band in BANDS["p50_run_seconds"]],
        "success": [band.name for band in reversed(BANDS["success_rate"])],
    }
    parts, parameters = [], list[Any]()
    for name in ("license", "provider"):
        others = {facet: value for facet, value in search.facets.items() if facet != name}
        used = _matching(found, others).order_by("-runs", "-pk").values(value=F(FACETS[name]))[:MAX_RANKED]
        sql, given = used.query.sql_with_params()
        parts.append(
            f"(SELECT %s, value FROM ({sql}) used GROUP BY value ORDER BY count(*) DESC, value LIMIT %s)"  # noqa: S608
        )
        parameters += [name, *given, MAX_VALUES]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        for name, value in cursor.fetchall():
            values.setdefault(name, []).append(value)
    for name, chosen in search.facets.items():
        if chosen not in values.setdefault(name, []):
            values[name].append(chosen)
    return {name: [value for value in values.get(name, []) if value] for name in FACETS}


def _count_each(found: Found, conditions: Sequence[Mapping[str, str]]) -> list[int]:
    """How many models with the words fulfil each of these conditions, counted up to one more than `MAX_COUNT`."""
    source, parameters = "catalog_searchentry", list[Any]()
    head = ""
    if found.query is not None:  # looked up once, then counted from memory
        source = "matched"
        head = (
            f"WITH matched AS MATERIALIZED (SELECT {', '.join(FACETS.values())} FROM catalog_searchentry "  # noqa: S608
            "WHERE vector @@ %s::tsquery) "
        )
        parameters.append(found.query)
    parts = []
    for facets in conditions:
        where = " AND ".join(["TRUE", *(f"{FACETS[name]} = %s" for name in facets)])
        parts.append(f"(SELECT count(*) FROM (SELECT FROM {source} WHERE {where} LIMIT %s) counted)")  # noqa: S608
        parameters += [*facets.values(), MAX_COUNT + 1]
    with connection.cursor() as cursor:
        cursor.execute(f"{head}SELECT {', '.join(parts)}", parameters)
        return list(cursor.fetchone())


def most_used(*, size: int, task: str = "") -> list[Offer]:
    """The most used models on sale, of a task if one is named."""
    return list(page_of(Search(facets={"task": task} if task else {}), Found(), size=size).offers)


def offers_named(names: Sequence[str], *, task: str) -> list[Offer]:
    """Those of these models, `owner/name`, that are on sale and have the task."""
    entries = SearchEntry.objects.filter(slug__in=[name.lower() for name in names], task=task)
    return offers_of(list(entries.order_by("slug").values_list("pk", flat=True)))


def most_used_listings(*, size: int, task: str = "") -> list[Listing]:
    """As `most_used`, only their listings with model and provider."""
    entries = _matching(Found(), {"task": task} if task else {}).order_by("-runs", "-pk")[:size]
    return [entry.listing for entry in entries.defer("vector").select_related("listing__model__organization")]


def listings_by_name(*, text: str, owner: str, after: str, size: int) -> list[Listing]:
    """The models on sale with these words, of one provider if one is named, in the order of `owner/name`.

    Args:
        after: the models behind this name come, in lower case; empty: from the first on.
    """
    found = understand(Search(text, is_exact=True))
    if found.is_impossible:
        return []
    entries = _matching(found, {"provider": owner} if owner else {}).filter(slug__gt=after).order_by("slug")[:size]
    return [entry.listing for entry in entries.defer("vector").select_related("listing__model__organization")]


def market_size() -> tuple[int, int]:
    """How many models are on sale, counted up to one more than 10,000, and of how many providers, up to 1,001."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE provider(owner, number) AS (
              (SELECT owner, 1 FROM catalog_searchentry ORDER BY owner LIMIT 1)
              UNION ALL
              SELECT (SELECT e.owner FROM catalog_searchentry e WHERE e.owner > p.owner ORDER BY e.owner LIMIT 1),
                     p.number + 1
              FROM provider p WHERE p.owner IS NOT NULL AND p.number <= %(providers)s)
            SELECT (SELECT count(*) FROM (SELECT FROM catalog_searchentry LIMIT %(models)s) counted),
                   (SELECT count(owner) FROM provider)
            """,
            {"models": MAX_MODELS_COUNTED + 1, "providers": MAX_COUNT},
        )
        models, providers = cursor.fetchone()
    return models, providers
