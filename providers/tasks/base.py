"""What the market knows of a task without running it: allowed classes, the input's schema, what is billed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Schema = dict[str, Any]
Inputs = dict[str, Any]


class UnsuitableModel(ValueError):
    """The folder's configuration does not describe a model that this task can run; says what to change."""


@dataclass(frozen=True)
class Components:
    """The configurations of a published folder.

    Attributes:
        pipeline_class: `_class_name` of model_index.json.
        libraries: component name to its (library, class) pair.
        configs: component name to its parsed configuration.
        defaults: what the card recommends for a call, `inference.parameters` of its metadata.
    """

    pipeline_class: str
    libraries: Mapping[str, tuple[str, str]]
    configs: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any]


class Task(Protocol):
    """One kind of work that models are sold for."""

    name: str
    title: str
    unit: str
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]]  # pipeline class -> (library, class) of components

    def input_schema(self, components: Components) -> Schema:
        """JSON Schema of a call's input. Raises UnsuitableModel."""

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]]) -> list[Inputs]:
        """Up to four complete inputs with fixed seeds, from the card's examples (`widget`) or of the task's own.

        A version's checks run them: the first for the golden run and the profile, all of them as its shown examples.
        """

    def complete(self, inputs: Inputs) -> Inputs:
        """Valid inputs with what a run needs and the caller left open, for example a seed."""

    def quantity(self, inputs: Inputs) -> int:
        """Units that a call delivers at most; the price is for one of them."""

    def batch_key(self, inputs: Inputs) -> str:
        """Calls of one version with equal keys may run in one batch."""
