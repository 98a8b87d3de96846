"""Reads the input files of claimed predictions from the blob store."""

import logging
import uuid
from collections.abc import Mapping, Sequence

from inference.domain.lifecycle import NOT_BILLED_REASONS, Status
from inference.worker.claims import Claimed, Ended
from marketplace.core.files import references_in
from marketplace.core.ids import short
from marketplace.core.storage import BlobMissing, BlobStore

log = logging.getLogger(__name__)

LOST = "A file that this prediction was given is no longer in the store. Upload it again."


def read_files(
    claimed: Sequence[Claimed], store: BlobStore
) -> tuple[dict[uuid.UUID, Mapping[str, bytes]], list[Ended]]:
    """The files of each prediction by field, and the failures of predictions whose files are missing."""
    files: dict[uuid.UUID, Mapping[str, bytes]] = {}
    lost = []
    for one in claimed:
        try:
            files[one.id] = {
                field: b"".join(store.chunks(reference.sha256)) for field, reference in references_in(one.input).items()
            }
        except BlobMissing as error:
            log.error("prediction %s: %s", short(one.id), error)
            lost.append(
                Ended(
                    one.id, one.attempt, Status.FAILED, error=LOST, not_billed_reason=NOT_BILLED_REASONS[Status.FAILED]
                )
            )
    return files, lost
