from billing.gateways.base import AccountHolder, Gateway
from billing.payments.models import GatewayCustomer


def ensure_customer(*, gateway: Gateway, holder: AccountHolder) -> str:
    """The gateway's id for a paying organisation, created when it is first needed.

    Raises:
        GatewayUnavailable, GatewayRefused: the gateway created none.
    """
    known = GatewayCustomer.objects.filter(owner=holder.owner, gateway=gateway.name).first()
    if known is None:
        # Concurrent calls get the same id from the gateway, or one of them creates an unused duplicate.
        external_id = gateway.create_customer(holder)
        known, _ = GatewayCustomer.objects.get_or_create(
            owner=holder.owner, gateway=gateway.name, defaults={"external_id": external_id}
        )
    return known.external_id
