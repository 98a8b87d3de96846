"""Payees: providers onboard on the gateway's own pages."""

import re

from django.db import transaction

from billing.gateways import current_gateway
from billing.gateways.base import AccountHolder
from billing.payments.models import Payee
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.problems import FieldError, Invalid, NotFound

COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def onboard(*, actor: Actor, holder: AccountHolder, country: str, back_url: str, again_url: str) -> str:
    """Create the provider's payee at the gateway and return the URL of its onboarding page.

    Args:
        holder: what the gateway is told of the actor's organisation.
        country: two letters (ISO 3166-1).

    Raises:
        Forbidden: as `policy.require` says.
        Invalid: the country is not one.
        GatewayUnavailable, GatewayRefused: the gateway did not create it.
    """
    gateway = current_gateway()
    with transaction.atomic():
        policy.require(actor, Action.ONBOARD_PAYEE)
        payee = Payee.objects.filter(owner=actor.party, gateway=gateway.name).first()
    if payee is None:
        country = country.strip().upper()
        if not COUNTRY.fullmatch(country):
            error = FieldError("country", "Write the country as two letters, for example US or DE")
            raise Invalid("Nothing was set up", errors=[error])
        external_id = gateway.create_payee(holder, country=country)
        payee = _keep(actor, gateway.name, external_id)
        _refresh(payee)
    return gateway.onboarding_page(payee.external_id, back_url=back_url, again_url=again_url)


@transaction.atomic
def _keep(actor: Actor, gateway: str, external_id: str) -> Payee:
    """Remember what the gateway calls the provider; of two who began at once, the first one's counts."""
    payee, is_new = Payee.objects.get_or_create(
        owner=actor.party, gateway=gateway, defaults={"external_id": external_id}
    )
    if is_new:
        audit.record(actor, action="payee.created", subject=payee.external_id, gateway=gateway)
    return payee


def onboarding_page(*, actor: Actor, back_url: str, again_url: str) -> str:
    """A fresh page for a provider who is known to the gateway already.

    Raises:
        Forbidden: as `policy.require` says.
        NotFound: they are not.
    """
    gateway = current_gateway()
    with transaction.atomic():
        policy.require(actor, Action.ONBOARD_PAYEE)
        payee = Payee.objects.filter(owner=actor.party, gateway=gateway.name).first()
    if payee is None:
        raise NotFound("Payouts are not set up yet; begin on the payouts page")
    return gateway.onboarding_page(payee.external_id, back_url=back_url, again_url=again_url)


def refresh(*, owner: str) -> None:
    """Update the provider's state from the gateway."""
    payee = Payee.objects.filter(owner=owner, gateway=current_gateway().name).first()
    if payee is not None:
        _refresh(payee)


def refresh_external(*, external_id: str) -> bool:
    """As `refresh`, by the gateway's id. Returns whether there is such a payee."""
    payee = Payee.objects.filter(external_id=external_id, gateway=current_gateway().name).first()
    if payee is None:
        return False
    _refresh(payee)
    return True


def _refresh(payee: Payee) -> None:
    status = current_gateway().payee_status(payee.external_id)
    Payee.objects.filter(pk=payee.pk).update(state=status.state, reason=status.reason)
