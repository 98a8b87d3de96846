"""The addresses of the Hub's protocol, at the root of the site: HF_ENDPOINT is the site's own address."""

from functools import partial

from marketplace.api.front import hub, hub_commits, hub_files, hub_uploads
from marketplace.api.front.routing import Route

_route = partial(Route, dialect=hub.DIALECT)
MODEL = "/api/models/{owner}/{name}"
LFS = "/{owner:namespace}/{name}.git/info/lfs"
UPLOAD = f"{LFS}/uploads/{{upload}}/{{key}}"

HUB_ROUTES = (
    _route(("GET",), "/api/whoami-v2", hub.whoami),
    _route(("POST",), "/api/repos/create", hub.create),
    _route(("DELETE",), "/api/repos/delete", hub.delete),
    _route(("POST",), "/api/validate-yaml", hub.validate_yaml),
    _route(("GET",), "/api/models", hub.models),
    _route(("GET",), MODEL, hub.info),
    _route(("PUT",), f"{MODEL}/settings", hub.settings_of),
    _route(("GET",), f"{MODEL}/revision/{{revision:path}}", hub.info),
    _route(("GET",), f"{MODEL}/tree/{{revision}}", hub.tree),
    _route(("GET",), f"{MODEL}/tree/{{revision}}/{{path:path}}", hub.tree),
    _route(("POST",), f"{MODEL}/paths-info/{{revision:path}}", hub.paths_info),
    _route(("GET",), f"{MODEL}/refs", hub.refs),
    _route(("GET",), f"{MODEL}/commits/{{revision:path}}", hub.commits),
    _route(("POST", "DELETE"), f"{MODEL}/branch/{{reference:path}}", hub.reference),
    _route(("POST", "DELETE"), f"{MODEL}/tag/{{reference:path}}", hub.reference),
    _route(("GET",), f"{MODEL}/xet-write-token/{{revision:path}}", hub.xet_token),
    _route(("GET",), "/api/xet/{rest}", hub.no_xet),
    _route(("POST",), f"{MODEL}/preupload/{{revision:path}}", hub_commits.preupload),
    _route(("POST",), f"{MODEL}/commit/{{revision:path}}", hub_commits.commit),
    _route(("GET", "HEAD", "POST", "PUT", "DELETE"), "/api/models/{rest:path}", hub.nothing),
    _route(("GET", "HEAD", "POST", "PUT", "DELETE"), "/api/datasets/{rest:path}", hub.nothing),
    _route(("GET", "HEAD", "POST", "PUT", "DELETE"), "/api/spaces/{rest:path}", hub.nothing),
    _route(("POST",), f"{LFS}/objects/batch", hub_uploads.batch),
    _route(("POST",), f"{LFS}/verify", hub_uploads.verify),
    _route(("PUT",), UPLOAD, hub_uploads.put),
    _route(("POST",), UPLOAD, hub_uploads.complete),
    _route(("PUT",), f"{UPLOAD}/{{part}}", hub_uploads.put_part),
    _route(("GET", "HEAD"), "/{owner:namespace}/{name}/resolve/{revision}/{path:path}", hub_files.download),
)
