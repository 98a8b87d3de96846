from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from marketplace.api import aliases, gateway, views

urlpatterns = [
    path("v1/predictions", views.Predictions.as_view(), name="predictions"),
    path("v1/predictions/<str:id>/reviews", views.Reviews.as_view(), name="reviews"),
    path("v1/models", views.Models.as_view(), name="models"),
    path("v1/models/<str:owner>/<str:name>", views.Model.as_view(), name="model"),
    path("v1/models/<str:owner>/<str:name>/versions", views.Versions.as_view(), name="versions"),
    path("v1/models/<str:owner>/<str:name>/versions/<str:version>", views.Version.as_view(), name="version"),
    path("v1/aliases", aliases.Aliases.as_view(), name="aliases"),
    path("v1/aliases/<str:name>", aliases.Alias.as_view(), name="alias"),
    path("v1/files", views.Files.as_view(), name="files"),
    path("v1/files/<str:id>", views.File.as_view(), name="file"),
    path("v1/account", views.Account.as_view(), name="account"),
    path("v1/receipts/keys", views.ReceiptKeys.as_view(), name="receipt-keys"),
    path("v1/<path:rest>", views.Nothing.as_view(), name="nothing"),
    path("webhooks/stripe", gateway.stripe, name="stripe-webhook"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
]
