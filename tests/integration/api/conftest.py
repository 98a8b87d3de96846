from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from billing.ledger.domain import AccountKind
from billing.ledger.models import Hold
from billing.ledger.selectors import Balance, balance_of
from inference.models import Prediction
from marketplace.accounts.models import ApiKey
from marketplace.accounts.services.api_keys import create_key
from marketplace.catalog.models import Listing
from marketplace.core.models import OutboxEvent
from tests.support.folders import make_folder
from tests.support.front_client import FrontClient
from tests.support.parties import Party, make_buyer, make_listing


@pytest.fixture(autouse=True)
def quick_passwords(settings):  # type: ignore[no-untyped-def]
    """Use a fast password hash: the default one is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@dataclass(frozen=True)
class Buyer:
    party: Party
    key: str
    key_row: ApiKey

    def balance(self) -> Balance:
        return balance_of(self.party.owner, AccountKind.BUYER_PREPAID)

    def state(self) -> tuple[object, ...]:
        """Everything that a call of this buyer could change."""
        return (
            self.balance(),
            list(Prediction.objects.filter(organization=self.party.organization).order_by("id").values()),
            Prediction.objects.count(),
            Hold.objects.count(),
            OutboxEvent.objects.count(),
        )


@pytest.fixture
def front_client(database: None) -> Iterator[FrontClient]:
    front_client = FrontClient()
    front_client.start()
    yield front_client
    front_client.stop()


def make_api_buyer(credit: int = 1_000_000) -> Buyer:
    party = make_buyer(credit=credit)
    new = create_key(actor=party.actor, name="test")
    return Buyer(party, new.secret, new.key)


@pytest.fixture
def buyer(database: None) -> Buyer:
    return make_api_buyer()


@pytest.fixture
def other(database: None) -> Buyer:
    return make_api_buyer()


@pytest.fixture
def listing(database: None, tmp_path: Path) -> Listing:
    return make_listing(folder=make_folder(tmp_path / "model"))


@pytest.fixture
def slug(listing: Listing) -> str:
    return f"{listing.model.organization.slug}/{listing.model.name}"


@pytest.fixture
def address(slug: str) -> str:
    """The URL for predictions of the listed model."""
    return f"/v1/models/{slug}/predictions"
