"""Idempotency keys: valid forms, and that they are bound to a request's meaning, not its spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain.conditions import Idempotency
from marketplace.core.problems import Invalid, NotUnderstood

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("key", ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", '"quoted"', "~!", "x" * 255])
def test_a_possible_key(key: str):
    assert Idempotency.of(key, {}).key == key


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\xe9", "a\n", "\x00", "\x7f"])
def test_an_impossible_key_names_the_header(key: str):
    with pytest.raises(Invalid) as refused:
        Idempotency.of(key, {})
    assert [error.field for error in refused.value.errors] == ["Idempotency-Key"]


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_the_order_of_fields_does_not_matter(request):  # type: ignore[no-untyped-def]
    turned = json.loads(json.dumps(dict(reversed(request.items()))))
    assert Idempotency.of("k", request) == Idempotency.of("k", turned)


@given(VALUES, VALUES)
def test_another_request_has_another_hash(one, other):  # type: ignore[no-untyped-def]
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    hashes = [Idempotency.of("k", {"input": value}).request_hash for value in (one, other)]
    assert (hashes[0] == hashes[1]) == same


def test_a_too_deeply_nested_value_is_refused():
    deep: list = []  # type: ignore[type-arg]
    for _ in range(2_000):
        deep = [deep]
    with pytest.raises(NotUnderstood, match="too deeply"):
        Idempotency.of("k", {"input": deep})
