from billing.gateways.base import Gateway, Person
from billing.models import GatewayCustomer


def ensure_customer(*, gateway: Gateway, person: Person) -> str:
    """The gateway's name for an organisation that pays, made when it is first needed.

    Raises:
        GatewayUnavailable, GatewayRefused: the gateway made none.
    """
    known = GatewayCustomer.objects.filter(owner=person.owner, gateway=gateway.name).first()
    if known is None:
        # Two that come at once get the same from the gateway, or one of them an unused twin.
        external_id = gateway.create_customer(person)
        known, _ = GatewayCustomer.objects.get_or_create(
            owner=person.owner, gateway=gateway.name, defaults={"external_id": external_id}
        )
    return known.external_id
