"""A buyer with a prompt set and listed models; the tests act as the nodes."""

import secrets
from collections.abc import Sequence

from inference.domain.lifecycle import Status
from inference.worker.claims import Ended, complete
from marketplace.accounts.domain import Actor, Role
from marketplace.accounts.models import Membership, User
from marketplace.accounts.selectors import actor_of
from marketplace.benchmarks.domain.prompts import parse_text
from marketplace.benchmarks.domain.states import CellState, State
from marketplace.benchmarks.models import Benchmark, Cell, PromptSet
from marketplace.benchmarks.services import rounds
from marketplace.benchmarks.services.estimates import SCORING_TASK, estimate
from marketplace.benchmarks.services.prompt_sets import create_prompt_set
from marketplace.benchmarks.services.start import start
from marketplace.catalog.models import Listing
from marketplace.catalog.services import entries
from marketplace.core.ids import new_id
from providers import tasks
from providers.models import GenerativeModel, ModelVersion
from providers.tasks.base import Components
from tests.support.inference_market import ListedModel, claim_all, make_buyer, make_node, make_priced_model, succeeded
from tests.support.parties import Party


def list_model(*, price: int = 4_000) -> ListedModel:
    sale = make_priced_model(price=price)
    Listing.objects.create(model_id=sale.target.model_id, version_id=sale.target.version)
    entries.refresh([sale.target.model_id])
    return sale


def member_of(party: Party) -> Actor:
    return party.actor


def colleague_of(party: Party) -> Actor:
    user = User.objects.create(email=f"{secrets.token_hex(6)}@example.com")
    return actor_of(Membership.objects.create(organization=party.organization, user=user, role=Role.DEVELOPER))


def make_prompts(by: Actor, count: int) -> PromptSet:
    text = "\n".join(f"prompt {number}" for number in range(1, count + 1))
    return create_prompt_set(actor=by, name="Icons", prompts=parse_text(text))


class BenchmarkCase:
    """A running benchmark of two models.

    Args:
        prompts: the number of prompts.
        credit: the buyer's credit in micro-units.
    """

    def __init__(self, *, prompts: int = 3, prices: Sequence[int] = (4_000, 1_000), credit: int = 1_000_000) -> None:
        self.buyer = make_buyer(credit=credit)
        self.by = member_of(self.buyer)
        self.sales = [list_model(price=price) for price in prices]
        self.prompt_set = make_prompts(self.by, prompts)
        self.node = make_node()
        self.id = new_id()
        self.scorer = ""

    @property
    def names(self) -> list[str]:
        return [sale.target.model for sale in self.sales]

    def start(self) -> Benchmark:
        prompts = list(self.prompt_set.prompts.all())
        costs = estimate(actor=self.buyer.actor, prompts=prompts, models=self.names, scorer=self.scorer)
        return start(
            actor=self.by,
            benchmark_id=self.id,
            name="Icons, November",
            prompt_set_id=self.prompt_set.pk,
            models=self.names,
            scorer=self.scorer,
            agreed=costs.total,
        )

    def advance(self) -> None:
        rounds.advance(benchmark_id=self.id)

    def run(self, *, fail: bool = False) -> int:
        """End all waiting predictions. Returns their number."""
        ended = 0
        for sale in self.sales:
            while claimed := claim_all(sale, self.node):
                if fail:
                    results = [Ended(one.id, one.attempt, Status.FAILED, error="out of memory") for one in claimed]
                else:
                    results = [succeeded(one) for one in claimed]
                complete(results)
                ended += len(claimed)
        return ended

    def run_to_the_end(self) -> None:
        self.advance()
        while self.run():
            self.advance()

    @property
    def benchmark(self) -> Benchmark:
        return Benchmark.objects.get(pk=self.id)

    @property
    def state(self) -> State:
        return State(self.benchmark.state)

    def cells(self, *states: CellState) -> list[Cell]:
        found = self.benchmark.cells.filter(state__in=states) if states else self.benchmark.cells.all()
        return list(found.order_by("prompt__position", "contestant__position"))


# The parts of a scorer's configurations that its task reads.
SCORER = Components(
    "CLIPModel",
    {},
    {
        "model": {"text_config": {}, "vision_config": {"image_size": 64}},
        "image_processor": {"image_processor_type": "CLIPImageProcessor"},
        "tokenizer": {"tokenizer_class": "CLIPTokenizer"},
    },
    {},
)


def list_scorer(*, price: int = 100) -> ListedModel:
    """A listed scorer; the tests end its predictions."""
    sale = make_priced_model(price=price)
    schema = tasks.task_named(SCORING_TASK).input_schema(SCORER)
    GenerativeModel.objects.filter(pk=sale.target.model_id).update(task=SCORING_TASK)
    ModelVersion.objects.filter(pk=sale.target.version).update(input_schema=schema)
    Listing.objects.create(model_id=sale.target.model_id, version_id=sale.target.version)
    entries.refresh([sale.target.model_id])
    return sale
