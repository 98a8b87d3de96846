"""Uploads of a draft's files from a provider's browser, by signed link, directly into the blob store."""

import uuid

from marketplace.api.front.authentication import holds_link
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources, in_thread
from marketplace.api.front.uploading import receive_blob
from marketplace.api.shapes import answers
from marketplace.core.ids import parse_short
from marketplace.core.problems import FieldError, Forbidden, Invalid, NotFound
from providers.services.drafts import keep_file

ANNOUNCED = """
SELECT f.size FROM providers_draftfile f JOIN providers_uploaddraft d ON d.id = f.draft_id
WHERE d.id = %(draft)s AND f.path = %(path)s AND d.expires_at > now()
"""


async def put(request: Request, resources: Resources, *, id: str) -> Response:
    """`PUT /uploads/{id}?path=…&expires=…&signature=…` with a file as its body."""
    if not holds_link(request):
        raise Forbidden("This upload link has expired or is incomplete. Choose the folder again for a fresh one.")
    draft, path = parse_short(id) or uuid.UUID(int=0), request.query("path")
    row = await resources.fetch_one(ANNOUNCED, {"draft": draft, "path": path})
    if row is None:
        raise NotFound("This upload was finished or discarded, or announces no such file")
    blob = await receive_blob(request, limit=row["size"])
    if blob.size != row["size"]:
        detail = f"{blob.size} bytes came, where {row['size']} were announced; send it again"
        raise Invalid("The file is not complete", errors=[FieldError(path, detail)])
    await in_thread(keep_file, draft_id=draft, path=path, blob=blob)
    document: answers.DraftFile = {"path": path, "sha256": blob.sha256, "size": blob.size}
    return json_response(document)
