from django.urls import path

from marketplace.web.console import aliases, balance, benchmarks, prompt_sets, voting
from marketplace.web.console import contracts as console_contracts
from marketplace.web.console import views as console
from marketplace.web.operator import payments
from marketplace.web.operator import views as operator
from marketplace.web.provider import contracts as provider_contracts
from marketplace.web.provider import payouts
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
    path("console/<str:org>/aliases", aliases.alias_list, name="console_aliases"),
    path("console/<str:org>/aliases/<str:name>/move", aliases.move, name="console_move_alias"),
    path("console/<str:org>/aliases/<str:name>/delete", aliases.delete, name="console_delete_alias"),
    path("console/<str:org>/keys", console.keys, name="console_keys"),
    path("console/<str:org>/keys/<uuid:id>/revoke", console.revoke_key, name="console_revoke_key"),
    path("console/<str:org>/balance", balance.balance, name="console_balance"),
    path("console/<str:org>/balance/top-ups/<str:id>", balance.top_up, name="console_top_up"),
    path("console/<str:org>/balance/<int:id>", console.transaction, name="console_transaction"),
    path("console/<str:org>/contracts", console_contracts.contracts, name="console_contracts"),
    path("console/<str:org>/contracts/offers/<str:id>", console_contracts.offer, name="console_offer"),
    path("console/<str:org>/contracts/<str:id>", console_contracts.contract, name="console_contract"),
    path("console/<str:org>/contracts/<str:id>/end", console_contracts.end, name="console_end_contract"),
    path("console/<str:org>/contracts/<str:id>/review", console_contracts.review, name="console_contract_review"),
    path("console/<str:org>/contracts/<str:id>/verdicts", console_contracts.verdict, name="console_contract_verdict"),
    path("console/<str:org>/members", console.member_list, name="console_members"),
    path("console/<str:org>/members/<int:id>/remove", console.remove_member, name="console_remove_member"),
    path("console/<str:org>/prompt-sets", prompt_sets.index, name="console_prompt_sets"),
    path("console/<str:org>/prompt-sets/new", prompt_sets.new, name="console_new_prompt_set"),
    path("console/<str:org>/prompt-sets/<str:id>", prompt_sets.detail, name="console_prompt_set"),
    path("console/<str:org>/benchmarks", benchmarks.index, name="console_benchmarks"),
    path("console/<str:org>/benchmarks/new", benchmarks.new, name="console_new_benchmark"),
    path("console/<str:org>/benchmarks/estimate", benchmarks.estimate_part, name="console_benchmark_estimate"),
    path("console/<str:org>/benchmarks/<str:id>", benchmarks.detail, name="console_benchmark"),
    path("console/<str:org>/benchmarks/<str:id>/progress", benchmarks.progress, name="console_benchmark_progress"),
    path("console/<str:org>/benchmarks/<str:id>/cancel", benchmarks.cancel, name="console_cancel_benchmark"),
    path("console/<str:org>/benchmarks/<str:id>/resume", benchmarks.resume, name="console_resume_benchmark"),
    path("console/<str:org>/benchmarks/<str:id>/retry", benchmarks.retry, name="console_retry_benchmark"),
    path("console/<str:org>/benchmarks/<str:id>/names", benchmarks.reveal, name="console_benchmark_names"),
    path("console/<str:org>/benchmarks/<str:id>/vote", voting.page, name="console_vote"),
    path("console/<str:org>/benchmarks/<str:id>/undo", voting.undo, name="console_undo_vote"),
    path("console/<str:org>/benchmarks/<str:id>/results.csv", benchmarks.results_csv, name="console_results_csv"),
    path("console/<str:org>/benchmarks/<str:id>/votes.csv", benchmarks.votes_csv, name="console_votes_csv"),
    path("provider/<str:org>/models", provider.models, name="provider_models"),
    path("provider/<str:org>/earnings", provider.earnings, name="provider_earnings"),
    path("provider/<str:org>/earnings/<int:id>", provider.transaction, name="provider_transaction"),
    path("provider/<str:org>/payouts", payouts.payouts, name="provider_payouts"),
    path("provider/<str:org>/payouts/onboard", payouts.onboard, name="provider_payouts_onboard"),
    path("provider/<str:org>/payouts/back", payouts.back, name="provider_payouts_back"),
    path("provider/<str:org>/payouts/again", payouts.again, name="provider_payouts_again"),
    path("provider/<str:org>/contracts", provider_contracts.contracts, name="provider_contracts"),
    path("provider/<str:org>/contracts/new", provider_contracts.new_offer, name="provider_new_offer"),
    path("provider/<str:org>/contracts/offers/<str:id>", provider_contracts.offer, name="provider_offer"),
    path("provider/<str:org>/contracts/offers/<str:id>/end", provider_contracts.withdraw, name="provider_end_offer"),
    path("provider/<str:org>/contracts/<str:id>", provider_contracts.contract, name="provider_contract"),
    path("provider/<str:org>/contracts/<str:id>/end", provider_contracts.end, name="provider_end_contract"),
    path("provider/<str:org>/members", console.member_list, name="provider_members"),
    path("operator/", operator.health, name="operator_health"),
    path("operator/ledger", operator.ledger, name="operator_ledger"),
    path("operator/payments", payments.payments, name="operator_payments"),
    path("operator/payments/<str:id>/again", payments.again, name="operator_payments_again"),
    path("operator/inbox", operator.inbox, name="operator_inbox"),
    path("<str:owner>/<str:name>", public.model, name="model"),
    path("<str:owner>/<str:name>/run", playground.run, name="run"),
]
