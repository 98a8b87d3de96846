from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    label = "billing"
    append_only = ("Price", "UnmeteredUsage")
    # Money moves only through the SQL functions billing_hold, billing_settle, billing_release and billing_post,
    # outcomes through billing_authorize, billing_observe, billing_signal and billing_close_reviews.
    # Sums of usage are written by billing_roll_up alone.
    function_written = ("Account", "Transaction", "Entry", "Hold", "UsageRecord", "UsageHour", "Outcome", "UnitVerdict")

    def ready(self) -> None:
        from billing.payments.services import gateway_events, metering, payouts
        from marketplace.core import events

        events.subscribe(gateway_events.TOPIC, gateway_events.on_gateway_event_received, external=True)
        events.subscribe(payouts.TOPIC, payouts.on_payout_requested, external=True)
        events.subscribe(metering.TOPIC, metering.on_usage_metered, external=True)
