"""Refusals that Hub clients know by a code, and turn into exceptions of their own."""

from marketplace.core.problems import Forbidden, NotFound, Problem


class HubProblem(Problem):
    """`code` is what clients read in X-Error-Code; `commit` the revision that was looked at, if one was."""

    code = ""
    commit: str | None = None


class RepositoryNotFound(HubProblem, NotFound):
    """There is no such repository, or not for this caller. Whoever sent no key is asked for one (401)."""

    code = "RepoNotFound"

    def __init__(self, slug: str, *, signed_in: bool) -> None:
        self.status = 404 if signed_in else 401
        if signed_in:
            super().__init__(f'There is no repository "{slug[:127]}", or your API key may not see it')
        else:
            super().__init__(f'There is no repository "{slug[:127]}" for whom sends no API key. Set HF_TOKEN to one.')


class RevisionNotFound(HubProblem, NotFound):
    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(
            f'There is no revision "{revision[:80]}": use main, a version such as v2, or the 40 digits of one'
        )


class EntryNotFound(HubProblem, NotFound):
    """The repository is there, the file is not; clients remember that for the commit."""

    code = "EntryNotFound"

    def __init__(self, detail: str, *, commit: str | None = None) -> None:
        super().__init__(detail)
        self.commit = commit


class WeightsNotPublic(HubProblem, Forbidden):
    """The model is on sale, so its weights are for calls and not for download."""

    code = "GatedRepo"

    def __init__(self, slug: str, path: str, *, commit: str) -> None:
        super().__init__(
            f"{slug} is sold by the call: {path[:255]} is for its owner only. The card, the licence and the "
            "configurations may be read by everybody."
        )
        self.commit = commit
