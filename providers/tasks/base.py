"""What the market knows of a task without running it: allowed classes, the input's schema, what is billed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from billing.pricing.domain import Unit
from providers.tasks.samples import Sample

Schema = dict[str, Any]
Inputs = dict[str, Any]
Quantities = Mapping[Unit, int]


class UnsuitableModel(ValueError):
    """The folder's configuration does not describe a model that this task can run; says what to change."""


@dataclass(frozen=True)
class Components:
    """The configurations of a published folder: a pipeline's, or those of one model alone.

    Attributes:
        pipeline_class: `_class_name` of model_index.json; of a model alone, its class.
        libraries: component name to its (library, class) pair; a model alone is its only component, `model`.
        configs: component name to its parsed configuration. A model alone has `model`, and where the folder holds
            them `image_processor` and `tokenizer`.
        defaults: what the card recommends for a call, `inference.parameters` of its metadata.
    """

    pipeline_class: str
    libraries: Mapping[str, tuple[str, str]]
    configs: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any]


@dataclass(frozen=True)
class SingleModel:
    """A class that a folder may hold alone, with `config.json` at its root and no pipeline around it.

    Attributes:
        library: where the class comes from, diffusers or transformers.
        needs: what else must be there; of each group of files, one.
    """

    library: str
    needs: tuple[tuple[str, ...], ...] = ()


# What a task answers with, as the schema of a version's output says it: files, or a value of its own.
FILES: Schema = {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}


class Task(Protocol):
    """One kind of work that models are sold for.

    Attributes:
        units: what a provider may set a price for one of, the usual first: units that the task measures before a call
            runs, because what it may cost is held beforehand. So no task is sold by the device second, whose ceiling
            is not known yet.
        allowed_classes: pipeline class to the (library, class) pairs that its components may be.
        single_models: class to what a folder with that one model must hold.
        output_schema: JSON Schema of what a call answers with.
    """

    name: str
    title: str
    units: tuple[Unit, ...]
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]]
    single_models: Mapping[str, SingleModel]
    output_schema: Schema

    def input_schema(self, components: Components) -> Schema:
        """JSON Schema of a call's input. Raises UnsuitableModel."""

    # Inputs that are files are documents with "width" and "height" in pixels where the following see them.

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        """Up to four complete inputs with fixed seeds, from the card's examples (`widget`) or of the task's own.

        A version's checks run them: the first for the golden run and the profile, all of them as its shown examples.

        Args:
            samples: four pictures for tasks that take one; they are in the blob store when the trials run.
        """

    def complete(self, inputs: Inputs) -> Inputs:
        """Valid inputs with what a run needs and the caller left open, for example a seed."""

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        """What a call delivers at most, in parts of each of the task's units.

        A unit that these inputs do not tell, because a picture is missing, is left out.

        Args:
            inputs: with the schema's defaults.
            schema: of the version's input.
        """

    def batch_key(self, inputs: Inputs) -> str:
        """Calls of one version with equal keys may run in one batch."""
