"""Files of repositories, as the Hub's clients download them."""

from marketplace.api.front.blobs import blob_response
from marketplace.api.front.http import Request, Response
from marketplace.api.front.hub import at
from marketplace.api.front.resources import Resources
from providers.hub.reading import require_entry


async def download(
    request: Request, resources: Resources, *, owner: str, name: str, revision: str, path: str
) -> Response:
    """`GET /{owner}/{name}/resolve/{revision}/{path}`: a file, whole or in part."""
    repository, found = await at(request, owner, name, revision)
    entry = require_entry(repository, found, path)
    headers = {
        "Content-Type": "application/octet-stream",
        "ETag": f'"{entry.etag}"',
        "X-Repo-Commit": found.commit,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{path.rsplit("/", 1)[-1]}"',
        # An uploaded file must not act as a page of this site.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return await blob_response(request, sha256=entry.sha256, size=entry.size, headers=headers)
