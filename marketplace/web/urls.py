"""The addresses of the pages. Those that match any name come last."""

from django.urls import include, path

from marketplace.web.shared import addresses  # noqa: F401  # registers the converters `id` and `name`

app_name = "web"
urlpatterns = [
    path("console/", include("marketplace.web.console.urls")),
    path("provider/<name:org>/", include("marketplace.web.provider.urls")),
    path("operator/", include("marketplace.web.operator.urls")),
    path("", include("marketplace.web.public.urls")),
]
