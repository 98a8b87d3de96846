"""The public pages. Included last: a model's page matches any two segments."""

from django.urls import path

from marketplace.web.public import catalogue, docs, home, hub, model, playground

urlpatterns = [
    path("", home.home, name="home"),
    path("models", catalogue.catalogue, name="catalogue"),
    path("docs/", docs.docs, name="docs"),
    path("docs/<path:page>", docs.docs, name="docs_page"),
    path("<name:owner>/<name:name>", model.model, name="model"),
    path("<name:owner>/<name:name>/run", playground.run, name="run"),
    path("<name:owner>/<name:name>/estimate", playground.estimate, name="estimate"),
    path("<name:owner>/<name:name>/commit/<path:rest>", hub.revision, name="hub_commit"),
    path("<name:owner>/<name:name>/tree/<path:rest>", hub.revision, name="hub_tree"),
]
