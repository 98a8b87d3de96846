"""The operator's area, `/operator/`."""

from django.urls import path

from marketplace.web.operator import calls, health, inbox, ledger, models, organizations, payments, people

urlpatterns = [
    path("", health.health, name="operator_health"),
    path("ledger", ledger.ledger, name="operator_ledger"),
    path("ledger/prove", ledger.prove, name="operator_prove"),
    path("organizations", organizations.organizations, name="operator_organizations"),
    path("organizations/<id:id>", organizations.organization, name="operator_organization"),
    path("people", people.people, name="operator_people"),
    path("people/<id:id>", people.person, name="operator_person"),
    path("models", models.models, name="operator_models"),
    path("models/<id:id>", models.model, name="operator_model"),
    path("calls", calls.calls, name="operator_calls"),
    path("calls/<id:id>", calls.call, name="operator_call"),
    path("payments", payments.payments, name="operator_payments"),
    path("payments/<slug:id>/again", payments.again, name="operator_payments_again"),
    path("inbox", inbox.inbox, name="operator_inbox"),
]
