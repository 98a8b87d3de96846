"""Django's part of the API: the views of the table of routes, and the endpoint for the payment gateway's events."""

from django.urls import path

from marketplace.api import gateway
from marketplace.api.front.routing import PARAMETER
from marketplace.api.routes import ROUTES

VIEWS = {route.template: route.view for route in ROUTES if route.view is not None}

urlpatterns = [
    *(path(PARAMETER.sub(r"<str:\1>", template.lstrip("/")), view.as_view()) for template, view in VIEWS.items()),
    path("webhooks/stripe", gateway.stripe, name="stripe-webhook"),
]
