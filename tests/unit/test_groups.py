"""Tests that share a market must run on one worker, or each worker would start a market of its own."""

import os

import pytest


@pytest.mark.xdist_group("kept-together")
def test_workers_keep_groups_together(request: pytest.FixtureRequest):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there are no workers")
    assert request.node.nodeid.endswith("@kept-together")
