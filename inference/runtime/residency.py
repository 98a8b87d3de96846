"""Which models are loaded on the device, within a budget of bytes; the least recently used is evicted first."""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.runtime.adapters.base import Adapter
from inference.runtime.adapters.registry import adapter_for
from inference.runtime.device import Device
from inference.runtime.loading import expected_bytes

log = logging.getLogger(__name__)

OnEvict = Callable[[str], None]


class ModelTooLarge(Exception):
    """The model does not fit on the device, even alone.

    Attributes:
        needed_bytes: the size of its weights.
        budget_bytes: the device's budget for weights.
    """

    def __init__(self, *, version: str, needed_bytes: int, budget_bytes: int) -> None:
        super().__init__(
            f"Version {version} needs {needed_bytes:,} bytes, and this device has {budget_bytes:,} for weights. "
            "Run it on a larger device, or raise the budget."
        )
        self.needed_bytes = needed_bytes
        self.budget_bytes = budget_bytes


class ResidentModels:
    """The models that are loaded on one device.

    Thread-safe: one model is loaded at a time, and the others go on running meanwhile. A model in use (by `using`) is
    never evicted; a load that needs its memory waits for it. A thread must therefore not load one model while it uses
    another.
    """

    def __init__(self, device: Device, *, budget_bytes: int, max_models: int | None = None) -> None:
        """Args:
        budget_bytes: the limit for the weights of all models together, without activations.
        max_models: how many may be resident at once; `None` means that only the budget limits them.
        """
        self._device = device
        self._budget = budget_bytes
        self._max_models = max_models
        self._models: OrderedDict[str, Adapter] = OrderedDict()  # least recently used first
        self._uses: Counter[str] = Counter()
        self._state = threading.Condition()
        self._loading = threading.Lock()

    def get(self, version: str) -> Adapter | None:
        """The loaded model, or `None`. A call counts as use."""
        with self._state:
            if version in self._models:
                self._models.move_to_end(version)
            return self._models.get(version)

    def versions(self) -> dict[str, int]:
        """The bytes of each resident version, least recently used first."""
        with self._state:
            return {version: adapter.weight_bytes() for version, adapter in self._models.items()}

    @contextmanager
    def using(self, version: str) -> Iterator[Adapter | None]:
        """The loaded model, or `None`, protected from eviction inside the block."""
        with self._state:
            adapter = self.get(version)
            self._uses[version] += 1
        try:
            yield adapter
        finally:
            with self._state:
                self._uses[version] -= 1
                self._state.notify_all()

    def load(
        self, version: str, *, task: str, pipeline_class: str, folder: Path, on_evict: OnEvict | None = None
    ) -> Adapter:
        """Load a model from its folder, evicting the least recently used until it fits; a loaded one is just returned.

        Args:
            on_evict: called with each evicted version, after its memory was freed.

        Raises:
            ModelTooLarge: the model does not fit even alone.
            UnknownTask: no adapter serves this task with this pipeline class.
        """
        adapter_class = adapter_for(task, pipeline_class)
        with self._loading:
            resident = self.get(version)
            if resident is not None:
                return resident
            self._make_room(version, expected_bytes(folder), on_evict)
            adapter = adapter_class.load(folder, self._device)
            try:
                self._make_room(version, adapter.weight_bytes(), on_evict)  # it may be larger than expected
            except ModelTooLarge:
                adapter.close()
                raise
            with self._state:
                self._models[version] = adapter
            return adapter

    def evict(self, version: str) -> None:
        """Unload a version, once it is not in use any more. Does nothing if it is not resident."""
        with self._state:
            self._state.wait_for(lambda: not self._uses[version])
            adapter = self._models.pop(version, None)
        if adapter is not None:
            adapter.close()

    def _make_room(self, version: str, needed: int, on_evict: OnEvict | None) -> None:
        if needed > self._budget:
            raise ModelTooLarge(version=version, needed_bytes=needed, budget_bytes=self._budget)
        while True:
            with self._state:
                if self._fits(needed):
                    return
                self._state.wait_for(lambda: self._idle() is not None or self._fits(needed))
                victim = self._idle()
                if victim is None:
                    continue
                adapter = self._models.pop(victim)
            adapter.close()
            log.info("evicted %s to make room for %s", victim, version)
            if on_evict is not None:
                on_evict(victim)

    def _fits(self, needed: int) -> bool:
        room = self._max_models is None or len(self._models) < self._max_models
        return room and sum(adapter.weight_bytes() for adapter in self._models.values()) + needed <= self._budget

    def _idle(self) -> str | None:
        """The least recently used version that is not in use."""
        return next((version for version in self._models if not self._uses[version]), None)
