from django.urls import include, path

app_name = "web"
urlpatterns = [
    path("console/", include("marketplace.web.console.urls")),
    path("provider/<str:org>/", include("marketplace.web.provider.urls")),
    path("operator/", include("marketplace.web.operator.urls")),
    path("", include("marketplace.web.public.urls")),
]
