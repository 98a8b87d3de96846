"""The Hub's repository calls: whoami, create, read, list, delete."""

from urllib.parse import parse_qs, urlencode

import orjson
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import key_name
from marketplace.accounts.services.names import NameTaken
from marketplace.api.authentication import key_from_header, look_up_caller
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources, in_thread
from marketplace.api.hub import hub_error, no_address
from marketplace.api.operations import JSON, Dialect
from marketplace.catalog import selectors as catalog
from marketplace.core.paging import BadCursor, page_of
from marketplace.core.problems import Conflict, Forbidden, NotAuthenticated, NotFound, NotUnderstood, Problem
from providers import selectors as providers
from providers.hub import cards, documents, reading
from providers.hub.reading import BRANCH, Repository, Snapshot
from providers.hub.refusals import EntryNotFound
from providers.services.repositories import RepositoryExists, create_repository, delete_repository

MAX_LISTED = 100
SET_THIS = "set-HF_HUB_DISABLE_XET=1-and-upload-again"


def refuse(problem: Problem, *, instance: str) -> Response:
    """A refusal in this dialect, which has no field for `instance`."""
    error = hub_error(problem)
    return json_response(error.document, status=error.status, headers=error.headers)


DIALECT = Dialect(refuse, None, JSON)


def site(request: Request) -> str:
    """This site's address as the client used it: clients accept only URLs below their HF_ENDPOINT."""
    host = request.header("host") or ""
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return str(settings.BASE_URL)
    forwarded = request.header("x-forwarded-proto") if settings.SECURE_PROXY_SSL_HEADER else None
    return f"{forwarded if forwarded in ('http', 'https') else request.scheme}://{host}"


async def caller_of(request: Request) -> Actor | None:
    """The caller; None if no key was sent. Raises NotAuthenticated for an invalid key."""
    header = request.header("authorization")
    return await in_thread(look_up_caller, key_from_header(header)) if header else None


async def signed_in(request: Request) -> Actor:
    """The caller. Raises NotAuthenticated."""
    caller = await caller_of(request)
    if caller is None:
        raise NotAuthenticated("Set HF_TOKEN to an API key of your organisation; make one in the console.")
    return caller


async def visible(request: Request, owner: str, name: str) -> Repository:
    """The repository, if the caller may see it. Raises RepositoryNotFound."""
    return await _open(await caller_of(request), owner, name)


async def own(request: Request, owner: str, name: str, action: Action = Action.COMMIT) -> tuple[Actor, Repository]:
    """The caller and their repository, for an action that changes it.

    Raises:
        RepositoryNotFound: it does not exist, or the caller is not allowed to see it.
        Forbidden: it is not the caller's, or their key's scopes do not cover the action.
    """
    caller = await caller_of(request)
    repository = await _open(caller, owner, name)
    if caller is None or not repository.is_own:
        raise Forbidden(f"Only API keys of {repository.model.organization.slug} may change {repository.slug}")
    policy.check(caller, action)
    return caller, repository


async def _open(caller: Actor | None, owner: str, name: str) -> Repository:
    return await in_thread(reading.open_repository, caller, owner, name, listed=catalog.version_on_sale)


async def whoami(request: Request, resources: Resources) -> Response:
    """`GET /api/whoami-v2`: the key's organisation."""
    caller = await signed_in(request)
    assert caller.key_id is not None
    name = await in_thread(key_name, caller.key_id)
    return json_response(documents.whoami(caller.organization_slug, key_name=name))


async def validate_yaml(request: Request, resources: Resources) -> Response:
    """`POST /api/validate-yaml`: whether a README would pass the checks."""
    content = (await request.json()).get("content")
    if not isinstance(content, str):
        raise NotUnderstood('Send {"content": "…"} with the text of README.md.')
    found = cards.findings(content)
    return json_response(found, status=400 if found["errors"] else 200)


async def create(request: Request, resources: Resources) -> Response:
    """`POST /api/repos/create`: create an empty repository; 409 with the address of an existing one."""
    caller = await signed_in(request)
    owner, name = _named(await request.json(), caller)
    if owner.lower() != caller.organization_slug:
        raise Forbidden(f"This API key speaks for {caller.organization_slug}, so it creates nothing under {owner[:63]}")

    def make() -> tuple[str, RepositoryExists | None]:
        try:
            made = create_repository(actor=caller, name=name)
        except RepositoryExists as exists:
            return exists.model.name, exists
        except NameTaken as taken:  # by an alias: clients read a 409 as an existing repository
            raise NotUnderstood(taken.detail) from None
        return made.name, None

    made, exists = await in_thread(make)
    slug = f"{caller.organization_slug}/{made}"
    document = {"url": f"{site(request)}/{slug}", "name": slug, "id": slug}
    if exists is None:
        return json_response(document)
    error = hub_error(exists)
    return json_response(error.document | document, status=error.status, headers=error.headers)


async def delete(request: Request, resources: Resources) -> Response:
    """`DELETE /api/repos/delete`: delete a repository, unless it was ever on sale or called."""
    caller = await signed_in(request)
    owner, name = _named(await request.json(), caller)
    caller, repository = await own(request, owner, name, Action.DELETE_MODEL)
    await in_thread(delete_repository, actor=caller, model=repository.model)
    return json_response({})


def _named(document: dict[str, object], caller: Actor) -> tuple[str, str]:
    """Namespace and name of the repository that a body names."""
    name, owner = document.get("name"), document.get("organization") or caller.organization_slug
    if document.get("type") not in (None, "model"):
        raise NotUnderstood("This market keeps models only: leave --repo-type out.")
    if not isinstance(name, str) or not isinstance(owner, str):
        raise NotUnderstood('Send {"name": "…", "organization": "…"}.')
    if "/" in name:
        owner, _, name = name.partition("/")
    return owner, name


async def settings_of(request: Request, resources: Resources, *, owner: str, name: str) -> Response:
    """`PUT /api/models/{owner}/{name}/settings`: changes nothing, because the listing decides who sees a model."""
    _, repository = await own(request, owner, name)
    wanted, document = await request.json(), {"private": repository.listed is None, "gated": False}
    private = wanted.get("private", wanted.get("visibility", document["private"]))
    if private in ("private", "public"):
        private = private == "private"
    if private != document["private"] or wanted.get("gated", False):
        raise NotUnderstood("Listing a model in the portal is what shows it to buyers; there is nothing to set here.")
    return json_response(document)


async def models(request: Request, resources: Resources) -> Response:
    """`GET /api/models`: the caller's own repositories and the models on sale."""
    caller = await caller_of(request)
    author, search, cursor = (request.query(key).lower() for key in ("author", "search", "cursor"))
    limit = min(MAX_LISTED, int(given)) if (given := request.query("limit")[:9]).isdecimal() else MAX_LISTED

    def find() -> list[tuple[str, Repository]]:
        found = {
            offer.slug: Repository(offer.listing.model, False, offer.listing.version_id) for offer in catalog.offers()
        }
        is_member = caller is not None and policy.allows(caller, Action.SEE_MODELS)
        for model in providers.models_for_provider(caller.organization_id) if caller and is_member else ():
            repository = Repository(model, True, catalog.version_on_sale(model.pk))
            found[repository.slug] = repository
        wanted = [(slug, one) for slug, one in sorted(found.items()) if slug > cursor and search in slug]
        return [(slug, one) for slug, one in wanted if not author or slug.startswith(f"{author}/")]

    def describe(page: list[tuple[str, Repository]]) -> list[documents.Document]:
        return [documents.repository(one, reading.snapshot(one, BRANCH)) for _, one in page]

    found = await in_thread(find)
    page = found[: max(1, limit)]
    headers = {}
    if len(found) > len(page):
        query = urlencode({"author": author, "search": search, "limit": limit, "cursor": page[-1][0]})
        headers["Link"] = f'<{site(request)}/api/models?{query}>; rel="next"'
    return json_response(await in_thread(describe, page), headers=headers)


async def info(request: Request, resources: Resources, *, owner: str, name: str, revision: str = BRANCH) -> Response:
    """`GET /api/models/{owner}/{name}[/revision/{revision}]`: a repository and its files."""
    repository, found = await at(request, owner, name, revision)
    return json_response(documents.repository(repository, found))


async def tree(
    request: Request, resources: Resources, *, owner: str, name: str, revision: str, path: str = ""
) -> Response:
    """`GET /api/models/{owner}/{name}/tree/{revision}[/{path}]`: the files of a folder."""
    repository, found = await at(request, owner, name, revision)
    folder = path.strip("/")
    recursive = request.query("recursive").lower() in ("1", "true")
    document = documents.tree(found.entries.values(), folder=folder, recursive=recursive)
    if folder and not document:
        raise EntryNotFound(f"{repository.slug} has no folder {folder[:255]} at {found.commit}", commit=found.commit)
    return json_response(document)


async def paths_info(request: Request, resources: Resources, *, owner: str, name: str, revision: str) -> Response:
    """`POST /api/models/{owner}/{name}/paths-info/{revision}`: the files at `paths`, sent as a form or as JSON."""
    _, found = await at(request, owner, name, revision)
    body = await request.body()
    if "json" in (request.header("content-type") or ""):
        try:
            paths = orjson.loads(body)["paths"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            paths = None
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise NotUnderstood('Send {"paths": ["…"]} or the same as a form.')
    else:
        paths = parse_qs(body.decode("latin-1")).get("paths", [])
    return json_response(documents.paths_info(found.entries, paths))


async def refs(request: Request, resources: Resources, *, owner: str, name: str) -> Response:
    """`GET /api/models/{owner}/{name}/refs`: the one branch."""
    repository, found = await at(request, owner, name, BRANCH)
    return json_response(documents.refs(repository, found.commit))


async def commits(request: Request, resources: Resources, *, owner: str, name: str, revision: str) -> Response:
    """`GET /api/models/{owner}/{name}/commits/{revision}`: the history, newest first."""
    repository, cursor = await visible(request, owner, name), request.query("cursor")

    def history() -> tuple[list[documents.Document], str | None]:
        newest = reading.resolve(repository, revision)
        versions = providers.versions_for_provider(repository.model)
        versions = versions.filter(number__lte=newest.number) if newest is not None else versions.none()
        if not repository.is_own:
            versions = versions.filter(pk=repository.listed)
        try:
            page = page_of(versions, key=("-number",), size=MAX_LISTED, cursor=cursor)
        except BadCursor:
            raise NotUnderstood("Send a cursor that the Link of another page has.") from None
        return documents.commits(repository, page.rows, is_last=page.next is None), page.next

    found, following = await in_thread(history)
    address = f"{site(request)}{request.path}?{urlencode({'cursor': following})}"
    return json_response(found, headers={"Link": f'<{address}>; rel="next"'} if following else {})


async def reference(request: Request, resources: Resources, *, owner: str, name: str, reference: str) -> Response:
    """`POST, DELETE /api/models/{owner}/{name}/branch|tag/{reference}`: refused, there is only the one branch."""
    await own(request, owner, name)
    if request.method == "POST" and reference == BRANCH:
        raise Conflict(f"The branch {BRANCH} exists.")
    raise NotUnderstood(f"A repository here has one branch, {BRANCH}; its versions are named v1, v2 … by themselves.")


async def xet_token(request: Request, resources: Resources, *, owner: str, name: str, revision: str) -> Response:
    """`GET /api/models/{owner}/{name}/xet-write-token/{revision}`: redirect to an address that names the remedy.

    If this call fails, clients show only the final address.
    """
    await own(request, owner, name)
    return Response(302, headers={"Location": f"{site(request)}/api/xet/{SET_THIS}"})


async def no_xet(request: Request, resources: Resources, *, rest: str) -> Response:
    """`GET /api/xet/…`: refused, Xet is not supported."""
    raise NotFound("This market takes uploads through LFS: set HF_HUB_DISABLE_XET=1 and upload again.")


async def nothing(request: Request, resources: Resources, *, rest: str) -> Response:
    """Addresses of the Hub that this market does not have."""
    raise no_address(request.path)


async def at(request: Request, owner: str, name: str, revision: str) -> tuple[Repository, Snapshot]:
    """A repository that the caller may see, and its files at a revision."""
    repository = await visible(request, owner, name)
    return repository, await in_thread(reading.snapshot, repository, revision)
