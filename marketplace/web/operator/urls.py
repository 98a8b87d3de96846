"""The operator's area, `/operator/`."""

from django.urls import path

from marketplace.web.operator import health, inbox, ledger, payments

urlpatterns = [
    path("", health.health, name="operator_health"),
    path("ledger", ledger.ledger, name="operator_ledger"),
    path("payments", payments.payments, name="operator_payments"),
    path("payments/<slug:id>/again", payments.again, name="operator_payments_again"),
    path("inbox", inbox.inbox, name="operator_inbox"),
]
