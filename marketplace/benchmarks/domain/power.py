"""How many votes are needed to distinguish two models. Pure functions."""

import math
from collections.abc import Iterable
from statistics import NormalDist

CONFIDENCE = 0.95
POWER = 0.8
MIN_LEAD = 0.51  # a share closer to 0.5 would need an unrealistic number of votes


def decisive_votes_needed(share: float) -> int | None:
    """Decisive votes needed to detect, with 80% power, that a share of `share` prefers one of two models.

    The sample size of a two-sided test of one proportion against one half, at 95%: Fleiss, Levin and Paik,
    Statistical Methods for Rates and Proportions, 3rd edition (2003), section 2.5, without the continuity correction.

    Args:
        share: the better model's share of the decisive votes, from 0.5 to 1.

        Returns:
            the number, or None if the models are too close (below 51%).
    """
    if not 0.5 <= share <= 1:
        raise ValueError(f"the better model's share is between one half and one, not {share}")
    if share < MIN_LEAD:
        return None
    normal = NormalDist()
    chance = normal.inv_cdf(1 - (1 - CONFIDENCE) / 2) * 0.5
    truth = normal.inv_cdf(POWER) * math.sqrt(share * (1 - share))
    return math.ceil(((chance + truth) / (share - 0.5)) ** 2)


def design_effect(clusters: Iterable[tuple[int, int]]) -> float:
    """The factor by which more votes are needed because votes on one prompt are correlated; at least 1.

    The variance of a proportion estimated from clusters over that of a simple random sample: Rao and Scott,
    A Simple Method for the Analysis of Clustered Binary Data, Biometrics 48 (1992), 577-585.

    Args:
        clusters: for each prompt, the wins of one model and the number of decisive votes.
    """
    counted = [(wins, votes) for wins, votes in clusters if votes]
    total = sum(votes for _, votes in counted)
    share = sum(wins for wins, _ in counted) / total if total else 0.0
    if len(counted) < 2 or not 0 < share < 1:
        return 1.0
    residuals = sum((wins - share * votes) ** 2 for wins, votes in counted)
    clustered = residuals * len(counted) / (len(counted) - 1) / total**2
    return max(1.0, round(clustered / (share * (1 - share) / (total - 1)), 6))
