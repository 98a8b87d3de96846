"""Git LFS for the Hub's clients: announce, upload to signed links, complete, verify."""

from typing import TYPE_CHECKING

from marketplace.accounts.domain import Actor
from marketplace.api.front.authentication import holds_link
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.hub import own, signed_in, site
from marketplace.api.front.resources import Resources, in_thread
from marketplace.api.front.uploading import receive_blob, receive_part
from marketplace.core import links
from marketplace.core.ids import parse_short, short
from marketplace.core.problems import Forbidden, NotFound
from marketplace.core.storage import StoredBlob
from providers import selectors as providers
from providers.hub import lfs, uploads
from providers.hub.reading import Repository
from providers.hub.uploads import Plan

if TYPE_CHECKING:
    from providers.models import LfsUpload


async def batch(request: Request, resources: Resources, *, owner: str, name: str) -> Response:
    """`POST /{owner}/{name}.git/info/lfs/objects/batch`: which contents to send, and to which links."""
    await signed_in(request)
    caller, repository = await own(request, owner, name)
    asked = lfs.read_batch(await request.json())
    plans = await in_thread(uploads.announce, actor=caller, objects=asked.objects)
    base = f"{site(request)}"
    answers = [_answer(plan, repository, caller, base, asked.takes_multipart) for plan in plans]
    return json_response(lfs.batch_answer(answers), headers={"Content-Type": lfs.MEDIA_TYPE})


def _answer(plan: Plan, repository: Repository, caller: Actor, base: str, takes_multipart: bool) -> dict[str, object]:
    announced = plan.announced
    if plan.refusal is not None:
        return lfs.refused(announced, code=plan.refusal.status, message=plan.refusal.detail)
    if plan.upload is None:
        return lfs.present(announced)
    assert caller.key_id is not None
    place = f"/{repository.slug}.git/info/lfs"
    path = f"{place}/uploads/{short(plan.upload)}/{short(caller.key_id)}"
    in_parts = takes_multipart and announced.size > lfs.MAX_SINGLE_PART_BYTES
    numbers = range(1, lfs.parts_of(announced.size) + 1) if in_parts else ()
    return lfs.wanted(
        announced,
        href=base + links.sign(path, seconds=uploads.LINK_SECONDS),
        parts=[base + links.sign(f"{path}/{number}", seconds=uploads.LINK_SECONDS) for number in numbers],
        verify=f"{base}{place}/verify",
    )


async def put(request: Request, resources: Resources, *, owner: str, name: str, upload: str, key: str) -> Response:
    """`PUT` to a signed link: the whole content; accepted only with the announced size and digest."""
    waiting = await _linked(request, upload, key)
    blob = await receive_blob(request, limit=waiting.size, expected=StoredBlob(waiting.sha256, waiting.size))
    await in_thread(uploads.finish, upload=waiting, blob=blob)
    return Response(200, headers={"ETag": f'"{blob.sha256}"'})


async def put_part(
    request: Request, resources: Resources, *, owner: str, name: str, upload: str, key: str, part: str
) -> Response:
    """`PUT` of one part to its signed link; a repeated part replaces the earlier one."""
    waiting = await _linked(request, upload, key)
    number = int(part) if part.isdecimal() and len(part) < 9 else 0
    size = lfs.part_size(waiting.size, number)
    if not size:
        raise NotFound("The upload has no such part")
    place = uploads.part_name(waiting, number)
    digest = await receive_part(request, size=size, name=place)
    await in_thread(uploads.record_part, upload=waiting, number=number, name=place, sha256=digest)
    return Response(200, headers={"ETag": f'"{digest}"'})


async def complete(request: Request, resources: Resources, *, owner: str, name: str, upload: str, key: str) -> Response:
    """`POST` to a signed link, without a key: clients report that all parts were sent."""
    waiting = await _linked(request, upload, key)
    announced = lfs.Announced(waiting.sha256, waiting.size)
    digests = lfs.read_completion(await request.json(), announced=announced)
    async with resources.assembling:
        await in_thread(uploads.assemble, upload=waiting, digests=digests)
    return json_response({"success": True})


async def verify(request: Request, resources: Resources, *, owner: str, name: str) -> Response:
    """`POST /{owner}/{name}.git/info/lfs/verify`: whether a content has arrived."""
    caller, _ = await own(request, owner, name)
    one = lfs.read_verify(await request.json())
    owned = await in_thread(providers.owned_blobs, caller.organization_id, [one.sha256])
    if owned.get(one.sha256) != one.size:
        raise NotFound(f"{one.sha256} has not come; start the upload again")
    return json_response({})


async def _linked(request: Request, upload: str, key: str) -> "LfsUpload":
    """The upload that the request's signed link is for. Raises Forbidden."""
    upload_id, key_id = parse_short(upload), parse_short(key)
    if not holds_link(request) or upload_id is None or key_id is None:
        raise Forbidden("This link has expired or is incomplete. Start the upload again.")
    return await in_thread(uploads.upload_by_link, upload_id, key_id)
