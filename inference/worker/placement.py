"""Which versions this node listens for and has loaded, and how they are loaded."""

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from inference.models import Residency
from inference.runtime.adapters.base import Adapter
from inference.runtime.cache import WeightFile, WeightsCache
from inference.runtime.device import Device
from inference.runtime.residency import ResidentModels
from inference.services import wakeups
from inference.services.dispatch import queue_of
from marketplace.core.storage import blob_store
from providers.domain import VersionState
from providers.selectors import version_by_id, weight_files

log = logging.getLogger(__name__)

SHARE_FOR_WEIGHTS = 0.7  # of the device's memory; running a batch needs the rest


class Placement:
    """The node's versions. Rows of `Residency` record which it listens for, so that it resumes after a restart.

    Args:
        listen: starts consuming a Celery queue.
        unlisten: stops it.
    """

    def __init__(
        self, *, node: str, device: Device, listen: Callable[[str], None], unlisten: Callable[[str], None]
    ) -> None:
        self.node = node
        self._listen, self._unlisten = listen, unlisten
        self._listening: set[str] = set()
        self._lock = threading.Lock()
        budget = settings.NODE_MEMORY_BYTES or int(device.memory_bytes * SHARE_FOR_WEIGHTS)
        self.memory_bytes = budget
        self._models = ResidentModels(device, budget_bytes=budget)
        self._cache = WeightsCache(
            Path(settings.HOME.weights_cache), fetch=blob_store().fetch, budget_bytes=settings.NODE_CACHE_BYTES
        )

    def restore(self) -> list[str]:
        """Listen again for the versions that the rows name, and return them."""
        Residency.objects.filter(node=self.node).exclude(version__state=VersionState.PASSED).delete()
        versions = list(Residency.objects.filter(node=self.node).values_list("version_id", flat=True))
        Residency.objects.filter(node=self.node).update(bytes=0)
        for version in versions:
            self.adopt(version)
        return versions

    def adopt(self, version: str) -> None:
        """Listen for a version from now on. It is loaded for its first prediction or by `warm`, if it is not yet."""
        adapter = self._models.get(version)
        with self._lock:
            if version in self._listening:
                return
            Residency.objects.update_or_create(
                node_id=self.node,
                version_id=version,
                defaults={"bytes": adapter.weight_bytes()} if adapter is not None else {},
            )
            self._listen(queue_of(version))
            self._listening.add(version)
        wakeups.announce_listener(self.node, [version])

    def listening(self) -> frozenset[str]:
        """The versions that this node takes calls of."""
        return frozenset(self._listening)

    def loaded(self, version: str) -> Adapter | None:
        """The version's adapter if it is on the device."""
        return self._models.get(version)

    def load(self, version: str) -> tuple[Adapter, float]:
        """Load a version onto the device, evicting the least recently used ones if it needs their memory.

        Returns:
            its adapter, and the seconds that loading took.

        Raises:
            inference.runtime.residency.ModelTooLarge: it does not fit at all.
            inference.runtime.cache.WeightsDamaged: the store's files are not what was published.
        """
        start = time.perf_counter()
        try:
            adapter = self.load_folder(version, self.fetch(version))
        finally:
            self.release(version)
        seconds = time.perf_counter() - start
        self._note(version, adapter, seconds)
        return adapter, seconds

    def fetch(self, version: str) -> Path:
        """A version's files on this machine's disk. The caller must call `release` afterwards, after an error too.

        Raises:
            inference.runtime.cache.WeightsDamaged: the store's files are not what was published.
        """
        self._cache.pin(version)  # another node of this host may share the cache and evict the version
        files = [WeightFile(path, sha256, size) for path, sha256, size in weight_files(version)]
        return self._cache.folder(version, files)

    def release(self, version: str) -> None:
        """Allow the eviction of the folder that `fetch` returned."""
        self._cache.unpin(version)

    def load_folder(self, version: str, folder: Path) -> Adapter:
        """Load a folder onto the device, evicting the least recently used versions if it needs their memory.

        Raises:
            inference.runtime.residency.ModelTooLarge: it does not fit at all.
        """
        task, pipeline_class = class_of(version)
        return self._models.load(
            version, task=task, pipeline_class=pipeline_class, folder=folder, on_evict=self._evicted
        )

    def drop(self, version: str) -> None:
        """Stop listening for a version and free its memory. Does nothing if it is not on this node."""
        self._models.evict(version)
        self._evicted(version)

    def _note(self, version: str, adapter: Adapter, seconds: float) -> None:
        Residency.objects.filter(node=self.node, version=version).update(
            bytes=adapter.weight_bytes(), load_seconds=seconds
        )
        log.info("loaded version %s in %.2f s", version[:12], seconds)

    def _evicted(self, version: str) -> None:
        with self._lock:
            self._listening.discard(version)
            self._unlisten(queue_of(version))
            Residency.objects.filter(node=self.node, version=version).delete()
        wakeups.withdraw_listener(self.node, version)
        log.info("evicted version %s", version[:12])


@lru_cache(maxsize=1024)
def class_of(version_id: str) -> tuple[str, str]:
    """Task and pipeline class of a version, which never change."""
    version = version_by_id(version_id)
    if version is None:
        raise LookupError(f"there is no version {version_id}")
    return version.model.task, version.pipeline_class
