import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.pricing.domain import price_text
from inference.selectors import living_nodes
from marketplace.accounts.selectors import organization_by_slug, platform_for
from marketplace.catalog.domain import parse_reference
from marketplace.catalog.selectors import is_on_sale
from marketplace.catalog.services.pricing import usual_unit
from marketplace.catalog.services.publish import publish
from marketplace.core.money import NotAnAmount, parse_amount
from marketplace.core.problems import FieldError, Problem
from providers.domain import CheckState, Step, VersionState
from providers.selectors import checks_of, version_by_id

if TYPE_CHECKING:
    from providers.models import ModelVersion

LOOK_SECONDS = 0.3
QUIET_SECONDS = 5.0  # time without progress before the reason for waiting is printed


class Command(BaseCommand):
    help = "Publish a diffusers folder as a model, watch its checks, price it and put it on sale."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder written by save_pretrained(), with a README.md card")
        parser.add_argument("--as", dest="name", required=True, metavar="OWNER/NAME", help="under which name")
        parser.add_argument(
            "--price",
            required=True,
            help="for one unit (an image, unless the model has another), for example 0.004",
        )
        parser.add_argument(
            "--no-wait", action="store_true", help="do not wait for the checks; it is listed when they have passed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        reference = parse_reference(options["name"])
        if reference is None or reference.version is not None:
            raise CommandError(f"--as {options['name']!r}: write it as owner/name")
        organization = organization_by_slug(reference.owner)
        if organization is None:
            raise CommandError(f'There is no organisation "{reference.owner}"; found it in the console first')
        try:
            price = parse_amount(options["price"])
            actor = platform_for(organization)
            version = publish(actor=actor, folder=options["folder"], name=reference.name, unit_price=price)
        except NotAnAmount as error:
            raise CommandError(f"--price: {error}") from error
        except Problem as problem:
            errors = problem.errors or [FieldError("", problem.detail)]
            raise CommandError(_refusal(f"{problem.title}. Nothing is on sale.", errors)) from problem
        name = f"{organization.slug}/{version.model.name} version {version.number} ({version.pk})"
        terms = price_text(price, settings.CURRENCY, usual_unit(version.model))
        if options["no_wait"]:
            self.stdout.write(f"{name} is being checked; once it has passed it is on sale at {terms}")
            return
        self._watch(version)
        self.stdout.write(f"{name} is on sale at {terms}")

    def _watch(self, version: "ModelVersion") -> None:
        """Print each step as it ends. Returns when the version is on sale; raises CommandError if it is refused."""
        said: set[str] = set()
        quiet_since = time.monotonic()
        while True:
            state = _state(version)
            for check in checks_of(version):
                if CheckState(check.state).is_final and check.step not in said:
                    said.add(check.step)
                    quiet_since = time.monotonic()
                    self.stdout.write(f"{check.step:9} {check.state}")
            if state is VersionState.REFUSED:
                raise CommandError(_refusal("The version was refused. Nothing is on sale.", _errors(version)))
            if state is VersionState.PASSED and is_on_sale(version.pk):
                return
            if time.monotonic() - quiet_since > QUIET_SECONDS and "waiting" not in said:
                said.add("waiting")
                self.stdout.write(_waiting_for(version))
            time.sleep(LOOK_SECONDS)


def _state(version: "ModelVersion") -> VersionState:
    found = version_by_id(version.pk)
    if found is None:
        raise CommandError("The model was deleted while its version was checked")
    return VersionState(found.state)


def _waiting_for(version: "ModelVersion") -> str:
    """A sentence that says which process must act for the checks to continue."""
    waiting = next((check.step for check in checks_of(version) if not CheckState(check.state).is_final), None)
    if waiting == Step.FILES:
        return "Waiting for the platform's worker (`manage.py platform`, with its clock `manage.py beat`) …"
    if waiting is not None and not living_nodes().exists():
        return "Waiting for a node, and none is running: start one with `manage.py node` …"
    return "Still being checked …"


def _errors(version: "ModelVersion") -> list[FieldError]:
    return [FieldError(**error) for check in checks_of(version) for error in check.errors]


def _refusal(title: str, errors: Sequence[FieldError]) -> str:
    lines = [f"  {error.field}: {error.detail}" if error.field else f"  {error.detail}" for error in errors]
    return "\n".join([title, *lines])
