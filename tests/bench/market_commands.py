"""Run in the market's environment: `python -m tests.bench.market_commands COMMAND ARGUMENT`.

Commands are `buyers COUNT`, `settled OWNER/NAME` and `batch OWNER/NAME`; the answer is JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping

import django
from django.db.models import Avg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from billing.ledger.models import UsageRecord  # noqa: E402  # models need Django to be set up first
from billing.ledger.services.proofs import findings_between, newest_entry  # noqa: E402
from billing.payments.services.top_ups import top_up  # noqa: E402
from inference.domain.lifecycle import Origin  # noqa: E402
from inference.models import Prediction  # noqa: E402
from marketplace.accounts.models import User  # noqa: E402
from marketplace.accounts.selectors import actor_of, membership_for  # noqa: E402
from marketplace.accounts.services.api_keys import create_key  # noqa: E402
from marketplace.accounts.services.organizations import create_organization  # noqa: E402
from marketplace.catalog.domain import Reference, sku_of  # noqa: E402
from marketplace.catalog.services.resolution import look_up  # noqa: E402
from marketplace.core.money import MICRO  # noqa: E402


def buyers(count: int) -> list[str]:
    """Create `count` organisations with credit and return an API key of each."""
    keys = []
    for number in range(count):
        slug = f"bench-{number}"
        user = User.objects.create_user(f"{slug}@example.com", "correct horse battery")
        organization = create_organization(creator=user, name=slug, slug=slug)
        top_up(organization_id=str(organization.pk), amount=1_000 * MICRO, key="bench")
        keys.append(create_key(actor=actor_of(membership_for(user, slug)), name="bench").secret)
    return keys


def settled(model: str) -> dict[str, object]:
    """How many settlements of a model the ledger has, and whether the whole ledger is balanced."""
    target = look_up(Reference(*model.split("/")))
    return {
        "settled": UsageRecord.objects.filter(sku=sku_of(target.model_id)).count(),
        "balanced": not findings_between(0, newest_entry()),
    }


def batch(model: str) -> float:
    """The mean batch size of this model's predictions over the API."""
    target = look_up(Reference(*model.split("/")))
    predictions = Prediction.objects.filter(model=target.model_id, origin=Origin.API)
    return float(predictions.aggregate(mean=Avg("batch_size"))["mean"])


COMMANDS: Mapping[str, Callable[[str], object]] = {
    "buyers": lambda count: buyers(int(count)),
    "settled": settled,
    "batch": batch,
}

if __name__ == "__main__":
    command, argument = sys.argv[1:]
    print(json.dumps(COMMANDS[command](argument)))
