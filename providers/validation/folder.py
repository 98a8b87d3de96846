"""The checks of a version's files that need no node."""

from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.core.problems import FieldError
from providers.tasks.base import Components, Inputs, Schema, Task, UnsuitableModel
from providers.tasks.samples import samples
from providers.validation.card import Card, read_card
from providers.validation.kind import read_configurations
from providers.validation.refusal import FolderRefused
from providers.validation.safetensors import DamagedWeights, check_safetensors
from providers.validation.source import Source


@dataclass(frozen=True)
class CheckedFolder:
    """Files that passed the checks, and what was read from them.

    Attributes:
        parameters: numbers in all weight files together.
        trials: complete inputs for test runs of the model.
    """

    files: Mapping[str, Source]
    parameters: int
    card: Card
    task: Task
    components: Components
    input_schema: Schema
    trials: list[Inputs]


def check_files(files: Mapping[str, Source]) -> CheckedFolder:
    """Check files whose paths were accepted by `check_paths`.

    Raises:
        FolderRefused: naming each file that is wrong and the remedy.
    """
    parameters, errors = _check_weights(files)
    if errors:
        raise FolderRefused(errors)
    card = read_card(files)
    task, components = read_configurations(files, defaults=card.defaults)
    try:
        schema = task.input_schema(components)
    except UnsuitableModel as error:
        path, _, reason = str(error).partition(": ")
        raise FolderRefused([FieldError(path, reason)]) from None
    return CheckedFolder(files, parameters, card, task, components, schema, task.trials(schema, card.widget, samples()))


def _check_weights(files: Mapping[str, Source]) -> tuple[int, list[FieldError]]:
    """The number of parameters, and the errors of the weight files."""
    parameters, errors = 0, []
    weights = [path for path in files if path.endswith(".safetensors")]
    for path in weights:
        try:
            parameters += check_safetensors(files[path])
        except DamagedWeights as error:
            errors.append(FieldError(path, str(error)))
    if not weights:
        errors.append(FieldError(".", "holds no weights (.safetensors)"))
    return parameters, errors
