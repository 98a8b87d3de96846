"""The buyer's area, `/console/`."""

from django.urls import URLPattern, URLResolver, include, path

from marketplace.web.console import (
    aliases,
    balance,
    benchmarks,
    contracts,
    keys,
    new_benchmark,
    organizations,
    predictions,
    prompt_sets,
    results,
    reviewing,
    voting,
)
from marketplace.web.shared import members

benchmark_urls = [
    path("new", new_benchmark.new, name="console_new_benchmark"),
    path("estimate", new_benchmark.estimate_part, name="console_benchmark_estimate"),
    path("<id:id>", benchmarks.detail, name="console_benchmark"),
    path("<id:id>/progress", benchmarks.progress, name="console_benchmark_progress"),
    path("<id:id>/cancel", benchmarks.cancel, name="console_cancel_benchmark"),
    path("<id:id>/resume", benchmarks.resume, name="console_resume_benchmark"),
    path("<id:id>/retry", benchmarks.retry, name="console_retry_benchmark"),
    path("<id:id>/names", benchmarks.reveal, name="console_benchmark_names"),
    path("<id:id>/vote", voting.page, name="console_vote"),
    path("<id:id>/undo", voting.undo, name="console_undo_vote"),
    path("<id:id>/results.csv", results.results_csv, name="console_results_csv"),
    path("<id:id>/votes.csv", results.votes_csv, name="console_votes_csv"),
]
contract_urls = [
    path("offers/<id:id>", contracts.offer, name="console_offer"),
    path("<id:id>", contracts.contract, name="console_contract"),
    path("<id:id>/end", contracts.end, name="console_end_contract"),
    path("<id:id>/review", reviewing.review, name="console_contract_review"),
    path("<id:id>/verdicts", reviewing.verdict, name="console_contract_verdict"),
]
organization_urls: list[URLPattern | URLResolver] = [
    path("", organizations.organization_entrance, name="console_of"),
    path("predictions", predictions.predictions, name="console_predictions"),
    path("predictions/<id:id>", predictions.prediction, name="console_prediction"),
    path("predictions/<id:id>/charge", predictions.charge, name="console_charge"),
    path("predictions/<id:id>/cancel", predictions.cancel, name="console_cancel"),
    path("aliases", aliases.alias_list, name="console_aliases"),
    path("aliases/<name:name>/move", aliases.move, name="console_move_alias"),
    path("aliases/<name:name>/delete", aliases.delete, name="console_delete_alias"),
    path("keys", keys.keys, name="console_keys"),
    path("keys/<uuid:id>/revoke", keys.revoke_key, name="console_revoke_key"),
    path("balance", balance.balance, name="console_balance"),
    path("balance/top-ups/<id:id>", balance.top_up, name="console_top_up"),
    path("balance/<int:id>", balance.transaction, name="console_transaction"),
    path("contracts", contracts.contracts, name="console_contracts"),
    path("contracts/", include(contract_urls)),
    path("members", members.member_list, name="console_members"),
    path("members/<int:id>/role", members.change_role, name="console_change_role"),
    path("members/<int:id>/remove", members.remove_member, name="console_remove_member"),
    path("prompt-sets", prompt_sets.index, name="console_prompt_sets"),
    path("prompt-sets/new", prompt_sets.new, name="console_new_prompt_set"),
    path("prompt-sets/<id:id>", prompt_sets.detail, name="console_prompt_set"),
    path("benchmarks", benchmarks.index, name="console_benchmarks"),
    path("benchmarks/", include(benchmark_urls)),
]
urlpatterns = [
    path("", organizations.entrance, name="console"),
    path("new", organizations.new_organization, name="new_organization"),
    path("<name:org>/", include(organization_urls)),
]
