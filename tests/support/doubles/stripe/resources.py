"""The handlers of the requests: they take the store and checked parameters and return Stripe's object."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.doubles.stripe.refusals import Refusal, missing
from tests.support.doubles.stripe.shapes import Params
from tests.support.doubles.stripe.store import DAY, Object, Store

Handler = Callable[[Store, Params, str], Object]
FEE_BPS, FEE_CENTS = 290, 30  # what Stripe keeps of a card payment


@dataclass(frozen=True)
class Route:
    """A supported request: `path` may end in an id, `params` names its type below `stripe.params`."""

    method: str
    path: str
    params: str
    act: Handler


def _listed(found: list[Object], params: Params, url: str) -> Object:
    limit = params.get("limit", 10)
    return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": url}


# --- customers ----------------------------------------------------------------------------------------------------
def create_customer(store: Store, params: Params, _: str) -> Object:
    return store.add("cus", "customer", **{"metadata": {}} | params)


# --- Checkout -----------------------------------------------------------------------------------------------------
def create_session(store: Store, params: Params, base_url: str) -> Object:
    if params.get("mode") != "payment":
        raise Refusal("This double knows payments only", param="mode", began=False)
    customer = params.get("customer")
    if customer and store.find("customer", customer) is None:
        raise missing("customer", customer)
    items = params.get("line_items") or []
    if not items or not params.get("success_url"):
        raise Refusal("Missing required param: line_items or success_url.", code="parameter_missing", began=False)
    total, currency = 0, ""
    for item in items:
        data = item.get("price_data") or {}
        if "unit_amount" not in data or "product_data" not in data:
            raise Refusal("Missing required param: line_items[0][price_data].", code="parameter_missing", began=False)
        total, currency = total + data["unit_amount"] * item.get("quantity", 1), data["currency"]
    if currency == "usd" and total < 50:
        raise Refusal(
            "The Checkout Session's total amount due must add up to at least $0.50 usd", code="amount_too_small"
        )
    session = store.add(
        "cs_test",
        "checkout.session",
        amount_total=total,
        currency=currency,
        customer=customer,
        client_reference_id=params.get("client_reference_id"),
        mode="payment",
        status="open",
        payment_status="unpaid",
        payment_intent=None,
        success_url=params["success_url"],
        cancel_url=params.get("cancel_url"),
        expires_at=params.get("expires_at", store.now() + DAY),
        metadata=params.get("metadata", {}),
    )
    session["url"] = f"{base_url}/pay/{session['id']}"
    return session


def pay(store: Store, session: Object, *, later: bool = False) -> None:
    """The buyer pays on the page: at once, or by a bank that answers later (`settle`)."""
    if session["status"] != "open":
        raise Refusal("This Checkout Session is no longer open")
    session["status"], session["url"] = "complete", None
    intent = store.add(
        "pi",
        "payment_intent",
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        status="processing" if later else "succeeded",
    )
    session["payment_intent"] = intent["id"]
    if not later:
        _receive(store, session)
    store.tell("checkout.session.completed", session)


def settle(store: Store, session: Object, *, good: bool) -> None:
    """The bank's answer to a payment that was to be paid later."""
    if good:
        _receive(store, session)
    store.tell(f"checkout.session.async_payment_{'succeeded' if good else 'failed'}", session)


def _receive(store: Store, session: Object) -> None:
    session["payment_status"] = "paid"
    store.objects[session["payment_intent"]]["status"] = "succeeded"
    amount = session["amount_total"]
    fee = (amount * FEE_BPS + 5_000) // 10_000 + FEE_CENTS
    store.incoming.append((store.now() + store.pending_seconds, amount - fee))


# --- meters -------------------------------------------------------------------------------------------------------
def create_meter(store: Store, params: Params, _: str) -> Object:
    if any(meter["event_name"] == params["event_name"] for meter in store.all("billing.meter")):
        raise Refusal(f"A meter for the event name {params['event_name']} exists", code="resource_already_exists")
    return store.add("mtr", "billing.meter", status="active", **params)


def list_meters(store: Store, params: Params, _: str) -> Object:
    status = params.get("status")
    found = [meter for meter in store.all("billing.meter") if status in (None, meter["status"])]
    return _listed(found, params, "/v1/billing/meters")


def create_meter_event(store: Store, params: Params, _: str) -> Object:
    name, payload = params["event_name"], params["payload"]
    meter = next((meter for meter in store.all("billing.meter") if meter["event_name"] == name), None)
    if meter is None:
        raise Refusal(f"No active meter found for event name {name}", code="resource_missing", began=False)
    customer = payload.get(meter.get("customer_mapping", {}).get("event_payload_key", "stripe_customer_id"), "")
    if store.find("customer", customer) is None:
        raise missing("customer", customer)
    value = payload.get(meter.get("value_settings", {}).get("event_payload_key", "value"), "")
    if not re.fullmatch(r"-?\d{1,15}", value):
        raise Refusal("The value in payload must be a whole number", param="payload", began=False)
    at = params.get("timestamp", store.now())
    if at < store.now() - 35 * DAY:
        raise Refusal("The timestamp must be within the past 35 days", code="timestamp_too_far_in_past", began=False)
    if at > store.now() + 300:
        raise Refusal("The timestamp is more than 5 minutes ahead", code="timestamp_in_future", began=False)
    identifier = params.get("identifier") or f"made-{next(store.numbers)}"
    if len(identifier) > 100 or len(name) > 100:
        raise Refusal("identifier and event_name may have 100 characters", param="identifier", began=False)
    seen = store.identifiers.get(identifier)
    if seen is not None and store.now() - seen < DAY:
        raise Refusal(f"An event already exists with identifier {identifier}.", param="identifier", began=False)
    store.identifiers[identifier] = store.now()
    event = {"object": "billing.meter_event", "created": store.now(), "livemode": False, "timestamp": at}
    event |= {"event_name": name, "identifier": identifier, "payload": payload}
    store.metered.setdefault((name, customer), []).append(event)
    return event


# --- accounts -----------------------------------------------------------------------------------------------------
def create_account(store: Store, params: Params, _: str) -> Object:
    recipient = params.get("configuration", {}).get("recipient")
    if recipient is not None and not params.get("identity", {}).get("country"):
        raise Refusal("identity.country is required to request capabilities", param="identity.country", began=False)
    account = store.add("acct", "v2.core.account", **{k: v for k, v in params.items() if k != "configuration"})
    account["configuration"] = {"recipient": _recipient("restricted") if recipient else None}
    return account


def retrieve_account(store: Store, params: Params, id: str) -> Object:
    account = store.find("v2.core.account", id)
    if account is None:
        raise missing("account", id)
    included = params.get("include", [])
    return account if "configuration.recipient" in included else account | {"configuration": None}


def create_account_link(store: Store, params: Params, base_url: str) -> Object:
    account = store.find("v2.core.account", params["account"])
    if account is None:
        raise missing("account", params["account"])
    options = params["use_case"].get(params["use_case"]["type"])
    if not options:
        raise Refusal("use_case must hold the options of its type", param="use_case", began=False)
    link = store.add("alu_test", "v2.core.account_link", account=account["id"], use_case=params["use_case"], used=False)
    return {**link, "url": f"{base_url}/onboard/{link['id']}", "expires_at": "2099-01-01T00:00:00Z"}


def set_transfers(store: Store, account: Object, status: str, *codes: str) -> None:
    """Set the state of an account: `active`, `restricted` (with reason codes) or `rejected`."""
    account["configuration"]["recipient"] = _recipient(status, *codes)
    store.tell_thinly("v2.core.account[configuration.recipient].capability_status_updated", account)


def _recipient(status: str, *codes: str) -> Object:
    codes = codes or (("requirements_past_due",) if status == "restricted" else ())
    details = [{"code": code, "resolution": "provide_info"} for code in codes]
    transfers = {"status": status, "status_details": details, "requested": True}
    return {"applied": True, "capabilities": {"stripe_balance": {"stripe_transfers": transfers}}}


# --- transfers ----------------------------------------------------------------------------------------------------
def create_transfer(store: Store, params: Params, _: str) -> Object:
    account = store.find("v2.core.account", params["destination"])
    if account is None:
        raise Refusal(f"No such destination: '{params['destination']}'", code="resource_missing", param="destination")
    recipient = account["configuration"]["recipient"] or _recipient("restricted")
    if recipient["capabilities"]["stripe_balance"]["stripe_transfers"]["status"] != "active":
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers",
            code="insufficient_capabilities_for_transfer",
        )
    amount = params.get("amount", 0)
    if amount < 1:
        raise Refusal(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > store.available():
        raise Refusal("You have insufficient available funds in your Stripe account.", code="balance_insufficient")
    store.paid_out += amount
    transfer = store.add(
        "tr",
        "transfer",
        amount=amount,
        amount_reversed=0,
        reversed=False,
        currency=params["currency"],
        destination=params["destination"],
        metadata=params.get("metadata", {}),
        transfer_group=params.get("transfer_group"),
    )
    store.tell("transfer.created", transfer)
    return transfer


def list_transfers(store: Store, params: Params, _: str) -> Object:
    group = params.get("transfer_group")
    found = [transfer for transfer in store.all("transfer") if group in (None, transfer["transfer_group"])]
    return _listed(found, params, "/v1/transfers")


def reverse(store: Store, transfer: Object, *, amount: int) -> None:
    """Reverse a part of a transfer, as in Stripe's dashboard."""
    assert 0 < amount <= transfer["amount"] - transfer["amount_reversed"]
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    store.paid_out -= amount
    store.tell("transfer.reversed", transfer)


# --- webhook endpoints --------------------------------------------------------------------------------------------
def create_endpoint(store: Store, params: Params, _: str) -> Object:
    return store.add("we", "webhook_endpoint", status="enabled", **params)


def list_endpoints(store: Store, params: Params, _: str) -> Object:
    return _listed(store.all("webhook_endpoint"), params, "/v1/webhook_endpoints")


ROUTES = (
    Route("POST", "/v1/customers", "CustomerCreateParams", create_customer),
    Route("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", create_session),
    Route("POST", "/v1/billing/meters", "billing.MeterCreateParams", create_meter),
    Route("GET", "/v1/billing/meters", "billing.MeterListParams", list_meters),
    Route("POST", "/v1/billing/meter_events", "billing.MeterEventCreateParams", create_meter_event),
    Route("POST", "/v2/core/accounts", "v2.core.AccountCreateParams", create_account),
    Route("GET", "/v2/core/accounts/{id}", "v2.core.AccountRetrieveParams", retrieve_account),
    Route("POST", "/v2/core/account_links", "v2.core.AccountLinkCreateParams", create_account_link),
    Route("POST", "/v1/transfers", "TransferCreateParams", create_transfer),
    Route("GET", "/v1/transfers", "TransferListParams", list_transfers),
    Route("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams", create_endpoint),
    Route("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams", list_endpoints),
)
