"""The provider's area, `/provider/{org}/`."""

from django.urls import path

from marketplace.web.provider import (
    contracts,
    earnings,
    model_list,
    offers,
    payouts,
    prices,
    publishing,
    selling,
    versions,
)
from marketplace.web.shared import members

urlpatterns = [
    path("", model_list.entrance, name="provider"),
    path("publish", publishing.publish, name="provider_publish"),
    path("drafts", publishing.drafts, name="provider_drafts"),
    path("drafts/check", publishing.check_draft, name="provider_draft_check"),
    path("drafts/<id:id>/commit", publishing.commit, name="provider_draft_commit"),
    path("drafts/<id:id>/discard", publishing.discard, name="provider_draft_discard"),
    path("models", model_list.models, name="provider_models"),
    path("models/<name:name>", selling.model, name="provider_model"),
    path("models/<name:name>/preview", prices.price_preview, name="provider_price_preview"),
    path("models/<name:name>/price", prices.set_price, name="provider_set_price"),
    path("models/<name:name>/list", selling.put_on_sale, name="provider_list"),
    path("models/<name:name>/unlist", selling.take_off_sale, name="provider_unlist"),
    path("models/<name:name>/delete", selling.delete, name="provider_delete_model"),
    path("models/<name:name>/versions/<int:number>", versions.version, name="provider_version"),
    path("earnings", earnings.earnings, name="provider_earnings"),
    path("earnings/<int:id>", earnings.transaction, name="provider_transaction"),
    path("payouts", payouts.payouts, name="provider_payouts"),
    path("payouts/onboard", payouts.onboard, name="provider_payouts_onboard"),
    path("payouts/back", payouts.back, name="provider_payouts_back"),
    path("payouts/again", payouts.again, name="provider_payouts_again"),
    path("contracts", contracts.contracts, name="provider_contracts"),
    path("contracts/new", offers.new_offer, name="provider_new_offer"),
    path("contracts/offers/<id:id>", offers.offer, name="provider_offer"),
    path("contracts/offers/<id:id>/end", offers.withdraw, name="provider_end_offer"),
    path("contracts/<id:id>", contracts.contract, name="provider_contract"),
    path("contracts/<id:id>/end", contracts.end, name="provider_end_contract"),
    path("members", members.member_list, name="provider_members"),
    path("members/<int:id>/role", members.change_role, name="provider_change_role"),
    path("members/<int:id>/remove", members.remove_member, name="provider_remove_member"),
]
