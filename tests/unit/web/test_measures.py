"""The results of the checks, as pages show them."""

from marketplace.web.shared.drawings import bar
from marketplace.web.shared.figures import scaled
from marketplace.web.shared.versions import profile_of
from providers.domain import Step
from providers.models import VersionCheck

SPACE = "\N{NO-BREAK SPACE}"


def test_a_profile_says_what_one_costs_alone_and_at_best():
    batches = [
        {"size": 1, "seconds": 2.0, "seconds_per_unit": 2.0},
        {"size": 2, "seconds": 2.0, "seconds_per_unit": 1.0},
        {"size": 4, "seconds": 6.0, "seconds_per_unit": 1.5},
    ]
    checks = [
        VersionCheck(step=Step.LOAD, detail={"bytes": 1}),
        VersionCheck(step=Step.PROFILE, detail={"batches": batches}),
    ]
    profile = profile_of(checks)
    assert (profile["alone"], profile["best"]) == (2.0, 1.0)
    assert [batch["share"] for batch in profile["batches"]] == [1.0, 0.5, 0.75]


def test_before_the_first_batch_there_is_no_profile():
    assert profile_of([VersionCheck(step=Step.PROFILE, detail={"flops": 1})]) == {}
    assert profile_of([]) == {}


def test_large_numbers_have_a_prefix():
    assert scaled(11_500_000_000, "FLOP") == f"11.5{SPACE}GFLOP"
    assert scaled(6_100_000) == f"6.1{SPACE}M"
    assert scaled(250_000) == f"250{SPACE}k"
    assert scaled(12) == "12"
    assert scaled(None) == "–"


def test_a_bar_is_a_share_of_the_largest():
    assert 'width="500.0"' in bar(0.5)
    assert 'width="1000.0"' in bar(7.0)
    assert 'width="0.0"' in bar(-1.0)
