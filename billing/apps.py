from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    label = "billing"
    append_only = ("Price",)
    # Money moves only through the SQL functions billing_hold, billing_settle, billing_release and billing_post,
    # outcomes through billing_authorize, billing_observe, billing_signal and billing_close_reviews.
    function_written = ("Account", "Transaction", "Entry", "Hold", "UsageRecord", "Outcome", "Signal")
