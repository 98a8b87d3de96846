from django.urls import path

from marketplace.web import hub
from marketplace.web.console import views as console
from marketplace.web.operator import views as operator
from marketplace.web.provider import publishing, selling
from marketplace.web.provider import views as provider
from marketplace.web.public import playground
from marketplace.web.public import views as public

app_name = "web"
urlpatterns = [
    path("", public.home, name="home"),
    path("models", public.catalogue, name="catalogue"),
    path("docs/", public.docs, name="docs"),
    path("docs/<path:page>", public.docs, name="docs_page"),
    path("console/", console.entrance, name="console"),
    path("console/new", console.new_organization, name="new_organization"),
    path("console/<str:org>/predictions", console.predictions, name="console_predictions"),
    path("console/<str:org>/predictions/<str:id>", console.prediction, name="console_prediction"),
    path("console/<str:org>/predictions/<str:id>/cancel", console.cancel, name="console_cancel"),
    path("console/<str:org>/keys", console.keys, name="console_keys"),
    path("console/<str:org>/keys/<uuid:id>/revoke", console.revoke_key, name="console_revoke_key"),
    path("console/<str:org>/balance", console.balance, name="console_balance"),
    path("console/<str:org>/balance/<int:id>", console.transaction, name="console_transaction"),
    path("console/<str:org>/members", console.member_list, name="console_members"),
    path("console/<str:org>/members/<int:id>/remove", console.remove_member, name="console_remove_member"),
    path("provider/<str:org>/", publishing.entrance, name="provider"),
    path("provider/<str:org>/publish", publishing.publish, name="provider_publish"),
    path("provider/<str:org>/drafts", publishing.drafts, name="provider_drafts"),
    path("provider/<str:org>/drafts/check", publishing.check_draft, name="provider_draft_check"),
    path("provider/<str:org>/drafts/<str:id>/commit", publishing.commit, name="provider_draft_commit"),
    path("provider/<str:org>/drafts/<str:id>/discard", publishing.discard, name="provider_draft_discard"),
    path("provider/<str:org>/models/<str:name>", selling.model, name="provider_model"),
    path("provider/<str:org>/models/<str:name>/preview", selling.price_preview, name="provider_price_preview"),
    path("provider/<str:org>/models/<str:name>/price", selling.set_price, name="provider_set_price"),
    path("provider/<str:org>/models/<str:name>/list", selling.put_on_sale, name="provider_list"),
    path("provider/<str:org>/models/<str:name>/unlist", selling.take_off_sale, name="provider_unlist"),
    path("provider/<str:org>/models/<str:name>/delete", selling.delete, name="provider_delete_model"),
    path("provider/<str:org>/models/<str:name>/versions/<int:number>", publishing.version, name="provider_version"),
    path("provider/<str:org>/models", provider.models, name="provider_models"),
    path("provider/<str:org>/earnings", provider.earnings, name="provider_earnings"),
    path("provider/<str:org>/earnings/<int:id>", provider.transaction, name="provider_transaction"),
    path("provider/<str:org>/members", console.member_list, name="provider_members"),
    path("operator/", operator.health, name="operator_health"),
    path("operator/ledger", operator.ledger, name="operator_ledger"),
    path("operator/inbox", operator.inbox, name="operator_inbox"),
    path("<str:owner>/<str:name>", public.model, name="model"),
    path("<str:owner>/<str:name>/run", playground.run, name="run"),
    path("<str:owner>/<str:name>/commit/<path:rest>", hub.revision, name="hub_commit"),
    path("<str:owner>/<str:name>/tree/<path:rest>", hub.revision, name="hub_tree"),
]
