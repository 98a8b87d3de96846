import secrets
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, is_title
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.benchmarks.domain.prompts import MAX_SEED, PromptLine
from marketplace.benchmarks.domain.states import MAX_NAME_LENGTH
from marketplace.benchmarks.models import Prompt, PromptSet
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound


class Frozen(Conflict):
    """A benchmark uses the prompt set, so its prompts can no longer change."""

    kind, title = "prompt-set-frozen", "This prompt set can no longer change"


@transaction.atomic
def create_prompt_set(*, actor: Actor, name: str, prompts: Sequence[PromptLine]) -> PromptSet:
    """Create a prompt set. A prompt without a seed gets a random one, which all models use.

    Args:
        prompts: as read by `domain.prompts`.

    Raises:
        Forbidden: see `policy.require`.
        Invalid: the name is empty, too long or holds control characters.
    """
    policy.require(actor, Action.CREATE_PROMPT_SET)
    prompt_set = PromptSet.objects.create(
        organization_id=actor.organization_id, name=checked_name(name), created_by_id=actor.user_id
    )
    _write(prompt_set, prompts, seeds={})
    audit.record(actor, action="prompt_set.created", subject=str(prompt_set.pk), name=prompt_set.name)
    return prompt_set


@transaction.atomic
def change_prompt_set(*, actor: Actor, prompt_set_id: uuid.UUID, name: str, prompts: Sequence[PromptLine]) -> None:
    """Replace the name and the prompts of a set that no benchmark uses yet. A prompt that stays keeps its seed.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such set.
        Frozen: a benchmark uses it.
        Invalid: as for `create_prompt_set`.
    """
    prompt_set = lock_prompt_set(actor.organization_id, prompt_set_id)
    policy.require(actor, Action.CHANGE_PROMPT_SET)
    if prompt_set.frozen_at is not None:
        raise Frozen(
            "A benchmark uses this prompt set, so it stays as it is. Make a new set with the prompts you want."
        )
    prompt_set.name = checked_name(name)
    prompt_set.save(update_fields=["name"])
    seeds = dict(prompt_set.prompts.values_list("text", "seed"))
    prompt_set.prompts.all().delete()
    _write(prompt_set, prompts, seeds=seeds)
    audit.record(actor, action="prompt_set.changed", subject=str(prompt_set.pk), name=prompt_set.name)


def lock_prompt_set(organization_id: uuid.UUID, prompt_set_id: uuid.UUID | None) -> PromptSet:
    """The set, locked until the transaction ends. Raises NotFound unless the organisation has it."""
    locked = PromptSet.objects.select_for_update(no_key=True)
    found = locked.filter(organization=organization_id, pk=prompt_set_id).first() if prompt_set_id else None
    if found is None:
        raise NotFound("There is no such prompt set")
    return found


def freeze(prompt_set: PromptSet) -> None:
    """Forbid further changes of the set. The set must be locked."""
    if prompt_set.frozen_at is None:
        prompt_set.frozen_at = timezone.now()
        prompt_set.save(update_fields=["frozen_at"])


def checked_name(name: str) -> str:
    """The name of a prompt set or benchmark, stripped. Raises Invalid if it is not allowed."""
    name = name.strip()
    if not is_title(name, longest=MAX_NAME_LENGTH):
        rule = f"Give it a name of at most {MAX_NAME_LENGTH} characters, without control characters"
        raise Invalid("Nothing was saved", errors=[FieldError("name", rule)])
    return name


def _write(prompt_set: PromptSet, prompts: Sequence[PromptLine], *, seeds: dict[str, int]) -> None:
    Prompt.objects.bulk_create(
        Prompt(
            prompt_set=prompt_set,
            position=position,
            text=line.text,
            seed=line.seed if line.seed is not None else seeds.get(line.text, secrets.randbelow(MAX_SEED + 1)),
        )
        for position, line in enumerate(prompts)
    )
