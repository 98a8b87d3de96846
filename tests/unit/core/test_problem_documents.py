"""Errors as RFC 7807 documents."""

import inspect

import pytest

from marketplace.core import problems
from marketplace.core.problems import FieldError, Problem

KINDS = [
    kind
    for _, kind in inspect.getmembers(problems, inspect.isclass)
    if issubclass(kind, Problem) and kind is not Problem
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_problem_has_a_whole_document(kind: type[Problem]):
    document = kind("What was refused, and the remedy.").document(instance="/v1/x")
    assert document == {
        "type": f"/docs/errors#{kind.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": "What was refused, and the remedy.",
        "instance": "/v1/x",
    }
    assert 400 <= kind.status <= 599


def test_fields_retry_and_extra_members():
    problem = problems.Invalid(
        "No.", errors=[FieldError("input.seed", "must be a number")], retry_after=3, balance="0.10"
    )
    document = problem.document(instance="/x")
    assert document["errors"] == [{"field": "input.seed", "detail": "must be a number"}]
    assert document["balance"] == "0.10"
    assert problem.headers() == {"Retry-After": "3"}


def test_a_client_is_told_how_to_authenticate_and_which_methods_there_are():
    assert problems.NotAuthenticated("No.").headers() == {"WWW-Authenticate": "Bearer"}
    assert problems.MethodNotAllowed("No.", allowed=("GET", "HEAD")).headers() == {"Allow": "GET, HEAD"}
    assert problems.NotFound("No.").headers() == {}
