"""Slugs: one canonical spelling, none that the site's own URLs need."""

import re

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import example, given
from hypothesis import strategies as st

from marketplace.accounts.domain import RESERVED_SLUGS, BadSlug, check_slug
from marketplace.api.front.app import ROUTES

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@given(st.text(max_size=80) | st.text(alphabet=LETTERS + "AZ._- /\0%", max_size=70))
@example("K")  # the Kelvin sign, whose lower case is an ASCII k
@example("a" * 63)
@example("a" * 64)
@example("acme\n")
def test_a_slug_is_refused_or_canonical(text: str):
    try:
        slug = check_slug(text)
    except BadSlug:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", slug, re.ASCII)
    assert 1 <= len(slug) <= 63
    assert slug[-1] in LETTERS
    assert slug not in RESERVED_SLUGS
    assert not slug.endswith(".git")
    assert ".." not in slug
    assert "--" not in slug
    assert check_slug(slug) == check_slug(slug.upper()) == check_slug(f" {slug} ") == slug


@given(
    st.text(alphabet=LETTERS, min_size=1, max_size=20),
    st.sampled_from(["-", ".", "_"]),
    st.text(alphabet=LETTERS, min_size=1, max_size=20),
)
def test_plain_names_are_taken(first: str, joint: str, last: str):
    slug = f"{first}{joint}{last}"
    if not slug.endswith(".git"):
        assert check_slug(slug.title()) == slug


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "Use 1 to 63 letters"),
        ("-acme", "Use 1 to 63 letters"),
        ("acme.", "Use 1 to 63 letters"),
        ("ac/me", "Use 1 to 63 letters"),
        ("ac\0me", "Use 1 to 63 letters"),
        ("größe", "Use 1 to 63 letters"),
        ("a..b", "no two dots or dashes"),
        ("a--b", "no two dots or dashes"),
        ("Weights.GIT", 'may not end in ".git"'),
        ("Models", '"models" is an address of the site itself'),
    ],
)
def test_the_broken_rule_is_named(text: str, rule: str):
    with pytest.raises(BadSlug, match=re.escape(rule)):
        check_slug(text)


def test_models_may_have_reserved_names():
    assert check_slug("Models", reserved=False) == "models"


def first_segments(patterns: "list[URLPattern | URLResolver]", prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if "/" in address or isinstance(pattern, URLPattern):
            found.add(address.split("/", 1)[0])
        else:
            found |= first_segments(pattern.url_patterns, address)
    return {segment for segment in found if segment and not segment.startswith("<")}


def test_every_first_segment_of_an_address_is_reserved():
    django = first_segments(get_resolver().url_patterns)
    front = {first for route in ROUTES if not (first := route.template.split("/")[1]).startswith("{")}
    assert {"accounts", "console", "docs", "models", "operator", "provider", "v1"} <= django
    assert {"api", "artifacts", "healthz", "metrics", "readyz", "v1"} <= front
    assert (django | front | {settings.STATIC_URL.strip("/"), "favicon.ico", "robots.txt"}) - RESERVED_SLUGS == set()


def test_the_hubs_namespaces_are_reserved():
    assert {"models", "datasets", "spaces"} <= RESERVED_SLUGS
