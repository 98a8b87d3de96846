"""The URL table. Its first segments are reserved: no organisation may have one as its slug."""

from django.urls import include, path

urlpatterns = [
    path("", include("marketplace.api.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("marketplace.web.urls")),
]

handler400 = "marketplace.web.errors.bad_request"
handler403 = "marketplace.web.errors.forbidden"
handler404 = "marketplace.web.errors.not_found"
handler500 = "marketplace.web.errors.server_error"
