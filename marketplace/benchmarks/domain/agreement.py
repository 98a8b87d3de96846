"""The agreement of voters. Pure functions."""

from collections.abc import Hashable, Iterable, Mapping

Unit = Hashable
Voter = Hashable


def krippendorff_alpha(votes: Iterable[tuple[Voter, Unit, str]]) -> float | None:
    """Krippendorff's alpha of nominal answers: 1 is full agreement, 0 is chance, below 0 is less than chance.

    Krippendorff, Content Analysis, 4th edition (2018), chapter 12; computed by evalica.

    Args:
        votes: voter, unit (a pair of pictures of one prompt) and answer.

        Returns:
            alpha, or None if no unit was answered by two voters.
    """
    # evalica imports pandas and scipy, which takes a second and is needed on one page only.
    import evalica
    import pandas as pd

    answers: dict[Unit, dict[Voter, str]] = {}
    for voter, unit, answer in votes:
        answers.setdefault(unit, {})[voter] = answer
    shared: list[Mapping[Voter, str]] = [given for given in answers.values() if len(given) >= 2]
    if not shared:
        return None
    codes = {answer: float(code) for code, answer in enumerate(sorted({a for given in shared for a in given.values()}))}
    voters = sorted({voter for given in shared for voter in given}, key=str)
    table = [[codes[given[voter]] if voter in given else None for given in shared] for voter in voters]
    return float(evalica.alpha(pd.DataFrame(table), distance="nominal").alpha)
