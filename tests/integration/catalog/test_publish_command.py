"""`manage.py publish`: publishes and lists a folder in one command, or says what to change."""

import io
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from billing.pricing.models import Price
from marketplace.accounts.models import AuditEvent
from marketplace.catalog.domain import sku_of
from marketplace.catalog.management.commands import publish as publish_command
from marketplace.catalog.models import Listing, PendingListing
from marketplace.catalog.services.publish import on_version_refused, publish
from marketplace.core.problems import FieldError
from providers.domain import STEPS, CheckState, Step
from providers.models import GenerativeModel, ModelVersion
from providers.services.check_files import check_version
from providers.services.checks import record_check
from tests.support.checks import pass_and_list
from tests.support.folders import make_folder
from tests.support.parties import Party, make_party
from tests.support.services import wait_until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def provider() -> Party:
    return make_party(can_buy=False, can_provide=True)


def run(folder: Path, name: str, price: str) -> str:
    """The output of the command without waiting; then its version passes its checks."""
    out = io.StringIO()
    call_command("publish", str(folder), "--as", name, "--price", price, "--no-wait", stdout=out)
    pass_and_list(newest(name))
    return out.getvalue()


def newest(name: str) -> ModelVersion:
    owner, _, model = name.partition("/")
    return ModelVersion.objects.filter(model__organization__slug=owner.lower(), model__name=model.lower()).latest(
        "number"
    )


def rows() -> tuple[int, ...]:
    return tuple(kind.objects.count() for kind in (GenerativeModel, ModelVersion, Listing, Price, AuditEvent))


def test_a_folder_is_on_sale(provider: Party, tmp_path: Path):
    name = f"{provider.organization.slug.upper()}/Icons"
    said = run(make_folder(tmp_path), name, "0.004")
    listing = Listing.objects.get(model__organization=provider.organization)
    assert said == (
        f"{provider.organization.slug}/icons version 1 ({listing.version_id}) is being checked; "
        "once it has passed it is on sale at $0.004 an image\n"
    )
    price = Price.objects.get(sku=sku_of(listing.model_id))
    assert (price.amount, price.version, price.payee) == (4_000, 1, str(provider.organization.pk))
    assert listing.listed


def test_the_same_command_again_changes_nothing(provider: Party, tmp_path: Path):
    name, folder = f"{provider.organization.slug}/icons", make_folder(tmp_path)
    run(folder, name, "0.004")
    before, said = rows(), io.StringIO()
    call_command("publish", str(folder), "--as", name, "--price", "0.004000", stdout=said)
    version = newest(name)
    steps = "".join(f"{step:9} passed\n" for step in STEPS)
    assert said.getvalue() == f"{steps}{name} version 1 ({version.pk}) is on sale at $0.004 an image\n"
    assert rows() == before


def test_another_price_is_a_new_version_of_the_price_only(provider: Party, tmp_path: Path):
    name, folder = f"{provider.organization.slug}/icons", make_folder(tmp_path)
    run(folder, name, "0.004")
    models, versions, listings, prices, audit = rows()
    assert run(folder, name, "1").endswith("is on sale at $1.00 an image\n")
    assert rows() == (models, versions, listings, prices + 1, audit + 1)


@pytest.mark.parametrize(
    ("name", "price", "message"),
    [
        ("icons", "0.004", "--as 'icons': write it as owner/name"),
        ("a/b/c", "0.004", "--as 'a/b/c': write it as owner/name"),
        ("{owner}/icons:v2", "0.004", "--as '{owner}/icons:v2': write it as owner/name"),
        ("nobody-here/icons", "0.004", 'There is no organisation "nobody-here"; found it in the console first'),
        ("{owner}/icons", "free", '--price: "free" is not an amount: write it like 0.004'),
        ("{owner}/icons", "-1", "--price: An amount must be zero or more"),
        ("{owner}/icons", "0.0000001", "--price: An amount may have at most six decimals"),
        ("{owner}/icons", "nan", '--price: "nan" is not an amount: write it like 0.004'),
        ("{owner}/icons", "9e999999", '--price: "9e999999" is not an amount: write it like 0.004'),
        ("{owner}/icons", "1000000001", "--price: An amount may be at most one billion"),
    ],
)
def test_invalid_arguments_are_named(provider: Party, tmp_path: Path, name: str, price: str, message: str):
    owner, before = provider.organization.slug, rows()
    with pytest.raises(CommandError) as refused:
        # The other spelling would take a price such as -1 for an option.
        call_command("publish", str(make_folder(tmp_path)), f"--as={name.format(owner=owner)}", f"--price={price}")
    assert str(refused.value) == message.format(owner=owner)
    assert rows() == before


def test_every_fault_of_a_folder_is_named(provider: Party, tmp_path: Path):
    folder, before = make_folder(tmp_path, {"README.md": None, "evil.py": "x", "unet/weights.bin": b"x"}), rows()
    with pytest.raises(CommandError) as refused:
        run(folder, f"{provider.organization.slug}/icons", "0.004")
    code = "can run code when it is loaded; publish weights as .safetensors and no code"
    assert str(refused.value).splitlines() == [
        "The folder cannot be published. Nothing is on sale.",
        f"  evil.py: {code}",
        f"  unet/weights.bin: {code}",
    ]
    assert rows() == before


def test_a_buyer_is_told_to_switch_its_provider_side_on(tmp_path: Path):
    buyer = make_party()
    before = rows()
    with pytest.raises(CommandError) as refused:
        run(make_folder(tmp_path), f"{buyer.organization.slug}/icons", "0.004")
    assert str(refused.value).splitlines() == [
        "This is not allowed with these credentials. Nothing is on sale.",
        f'  "{buyer.organization.slug}" does not provide models; switch its provider side on first',
    ]
    assert rows() == before


def test_concurrent_publishing_lists_one_version(provider: Party, tmp_path: Path):
    folder, barrier, outcomes = make_folder(tmp_path), threading.Barrier(3), []

    def go() -> None:
        barrier.wait()
        try:
            version = publish(actor=provider.actor, folder=folder, name="icons", unit_price=4_000)
            listing = pass_and_list(version)
            outcomes.append((listing.pk, listing.version_id))
        except Exception as error:  # checked below
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    listing = Listing.objects.get(model__organization=provider.organization)
    assert outcomes == [(listing.pk, listing.version_id)] * 3
    assert Price.objects.filter(sku=sku_of(listing.model_id)).count() == 1
    actions = AuditEvent.objects.filter(organization=provider.organization).values_list("action", flat=True)
    assert sorted(actions) == [
        "model.created",
        "model.listed",
        "organization.created",
        "price.set",
        "version.committed",
        "version.passed",
    ]


def wait_and_see(folder: Path, provider: Party, out: io.StringIO) -> threading.Thread:
    """The command, waiting in a thread of its own."""

    def go() -> None:
        try:
            call_command("publish", str(folder), "--as", f"{provider.organization.slug}/icons", "--price=1", stdout=out)
        except CommandError as error:
            out.write(f"error: {error}")
        finally:
            connections.close_all()

    thread = threading.Thread(target=go)
    thread.start()
    wait_until(
        lambda: ModelVersion.objects.filter(model__organization=provider.organization).exists(), "commit", seconds=20
    )
    return thread


def test_the_waiting_command_prints_each_step(provider: Party, tmp_path: Path, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(publish_command, "QUIET_SECONDS", 0.2)
    out = io.StringIO()
    thread = wait_and_see(make_folder(tmp_path), provider, out)
    wait_until(lambda: "Waiting for the platform's worker" in out.getvalue(), "the reason", seconds=10)
    version = newest(f"{provider.organization.slug}/icons")
    pass_and_list(version)
    thread.join(20)
    assert [line.split()[0] for line in out.getvalue().splitlines()] == [
        "Waiting",
        *STEPS,
        f"{provider.organization.slug}/icons",
    ]


def test_the_waiting_command_prints_why_a_version_was_refused(provider: Party, tmp_path: Path):
    out = io.StringIO()
    thread = wait_and_see(make_folder(tmp_path), provider, out)
    version = newest(f"{provider.organization.slug}/icons")
    check_version(version_id=version.pk)
    wrong = [FieldError("unet/config.json", "does not fit its weights")]
    record_check(version=version.pk, step=Step.LOAD, state=CheckState.FAILED, errors=wrong)
    thread.join(20)
    assert out.getvalue().splitlines() == [
        "files     passed",
        "load      failed",
        "golden    skipped",
        "profile   skipped",
        "examples  skipped",
        "error: The version was refused. Nothing is on sale.",
        "  unet/config.json: does not fit its weights",
    ]
    on_version_refused([{"version": version.pk}])
    assert PendingListing.objects.filter(version=version).count() == 0
    assert not Listing.objects.filter(model=version.model_id).exists()
