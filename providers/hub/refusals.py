"""Refusals with an error code that Hub clients turn into exceptions of their own."""

from marketplace.core.problems import Forbidden, NotFound, Problem


class HubProblem(Problem):
    """A refusal with a code: clients read `code` in X-Error-Code; `commit` is the revision in question, if any."""

    code = ""
    commit: str | None = None


class RepositoryNotFound(HubProblem, NotFound):
    """There is no such repository, or this caller may not see it. A caller without a key is asked for one (401)."""

    code = "RepoNotFound"

    def __init__(self, slug: str, *, signed_in: bool) -> None:
        self.status = 404 if signed_in else 401
        if signed_in:
            super().__init__(f'There is no repository "{slug[:127]}", or your API key may not see it')
        else:
            super().__init__(
                f'There is no repository "{slug[:127]}" for requests without an API key. Set HF_TOKEN to one.'
            )


class RevisionNotFound(HubProblem, NotFound):
    """The repository has no such revision, or this caller may not see it."""

    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(
            f'There is no revision "{revision[:80]}": use main, a version such as v2, or the 40 digits of one'
        )


class EntryNotFound(HubProblem, NotFound):
    """The repository exists, the file does not; clients cache that for the commit."""

    code = "EntryNotFound"

    def __init__(self, detail: str, *, commit: str | None = None) -> None:
        super().__init__(detail)
        self.commit = commit


class WeightsNotPublic(HubProblem, Forbidden):
    """The caller may not download the weights of a model that is on sale."""

    code = "GatedRepo"

    def __init__(self, slug: str, path: str, *, commit: str) -> None:
        super().__init__(
            f"{slug} is sold by the call: {path[:255]} is for its owner only. The card, the licence and the "
            "configurations are public."
        )
        self.commit = commit
