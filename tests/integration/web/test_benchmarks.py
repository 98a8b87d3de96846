"""The benchmark's pages: what they show to whom, what they refuse, and what never stands on the voting page."""

import csv
import io
import json
import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from marketplace.accounts.domain import Actor
from marketplace.accounts.models import User
from marketplace.benchmarks.domain.states import State
from marketplace.benchmarks.models import Benchmark, PromptSet, Vote
from marketplace.benchmarks.services.voting import reveal
from marketplace.core.ids import new_id, short
from tests.support.benchmark_market import BenchmarkCase, colleague_of
from tests.support.inference_market import make_buyer

pytestmark = pytest.mark.usefixtures("database")

PAGES = ("console_benchmark", "console_benchmark_progress", "console_vote", "console_results_csv", "console_votes_csv")
DEEDS = (
    "console_cancel_benchmark",
    "console_resume_benchmark",
    "console_retry_benchmark",
    "console_benchmark_names",
    "console_undo_vote",
    "console_vote",
)


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.person))
    return client


@pytest.fixture
def case(database: None) -> BenchmarkCase:
    case = BenchmarkCase(prompts=6)
    case.start()
    case.run_to_the_end()
    return case


@pytest.fixture
def by(case: BenchmarkCase) -> Actor:
    """A member who belongs to this organisation only."""
    return colleague_of(case.buyer)


@pytest.fixture
def client(by: Actor) -> Client:
    return signed_in(by)


def address(case: BenchmarkCase, name: str) -> str:
    return reverse(f"web:{name}", args=[case.buyer.organization.slug, short(case.id)])


def ballot_in(page: str) -> dict[str, object]:
    found = re.search(r'<script id="ballot" type="application/json">(.*?)</script>', page)
    assert found
    ballot: dict[str, object] = json.loads(found[1])
    return ballot


def test_other_organisations_cannot_see_a_benchmark(case: BenchmarkCase):
    stranger = make_buyer(credit=0)
    client = signed_in(colleague_of(stranger))
    for name in PAGES + DEEDS:
        slugs = (case.buyer.organization.slug, stranger.organization.slug)
        for slug in slugs:
            path = reverse(f"web:{name}", args=[slug, short(case.id)])
            answer = client.post(path) if name in DEEDS else client.get(path)
            assert answer.status_code == 404, path
    sets = [case.buyer.organization.slug, stranger.organization.slug]
    for slug in sets:
        assert client.get(reverse("web:console_prompt_set", args=[slug, short(case.prompt_set.pk)])).status_code == 404
    assert case.state is State.COMPLETED


@pytest.mark.parametrize("id", ["x", "0" * 26, "%00", "new2"])
def test_an_unknown_benchmark_is_not_found(case: BenchmarkCase, client: Client, id: str):
    for what in ("benchmarks", "prompt-sets"):
        assert client.get(f"/console/{case.buyer.organization.slug}/{what}/{id}").status_code == 404


def test_actions_need_post(case: BenchmarkCase, client: Client):
    for name in DEEDS:
        if name != "console_vote":
            assert client.get(address(case, name)).status_code == 405


def test_the_voting_page_names_no_model_and_no_version(case: BenchmarkCase, client: Client):
    page = client.get(address(case, "console_vote"))
    text = page.content.decode()
    for sale in case.sales:
        assert sale.target.model not in text
        assert sale.target.version not in text
        assert str(sale.target.model_id) not in text
    ballot = ballot_in(text)
    answer = client.post(
        address(case, "console_vote"),
        {"pair": ballot["current"]["key"], "answer": "left", "reason": "crisp"},
        content_type="application/json",
    )
    after = answer.json()
    assert set(after) == {"done", "total", "undo", "current", "upcoming"}
    assert set(after["current"]) == {"key", "prompt", "left", "right"}
    assert (after["done"], after["total"], after["undo"]) == (1, 6, ballot["current"]["key"])
    assert after["current"]["key"] == ballot["upcoming"]["key"]
    for side in ("left", "right"):
        assert re.match(r"^/artifacts/[0-9a-v]{26}\?expires=", after["current"][side])
    assert Vote.objects.get(benchmark=case.id).reason == "crisp"
    undone = client.post(address(case, "console_undo_vote"), {"pair": after["undo"]}, content_type="application/json")
    assert undone.json()["current"]["key"] == ballot["current"]["key"]


@pytest.mark.parametrize("body", ["{", "[]", '{"pair": "x", "answer": "perhaps"}', '{"pair": 1}', "\0"])
def test_votes_that_cannot_be_read(case: BenchmarkCase, client: Client, body: str):
    answer = client.post(address(case, "console_vote"), body, content_type="application/json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert not Vote.objects.filter(benchmark=case.id).exists()


def test_names_and_files_are_shown_after_a_reveal(case: BenchmarkCase, client: Client):
    page = client.get(address(case, "console_benchmark")).content.decode()
    assert "Start voting" in page
    assert 'id="ranking"' not in page
    assert "<img" not in page
    for name in ("console_results_csv", "console_votes_csv"):
        assert client.get(address(case, name)).status_code == 403
    client.post(address(case, "console_benchmark_names"))
    page = client.get(address(case, "console_benchmark")).content.decode()
    assert page.count("<img") == 12
    assert "Nobody has voted yet" in page
    assert client.get(address(case, "console_vote")).status_code == 302
    rows = list(csv.DictReader(io.StringIO(client.get(address(case, "console_results_csv")).content.decode())))
    assert [(row["model"], row["rank"], row["price_per_image"], row["charged"]) for row in rows] == [
        (case.names[0], "", "0.004000", "0.024000"),
        (case.names[1], "", "0.001000", "0.006000"),
    ]
    # A colleague is still blind.
    theirs = signed_in(colleague_of(case.buyer))
    assert theirs.get(address(case, "console_results_csv")).status_code == 403


def test_csv_exports_escape_formulas(case: BenchmarkCase, client: Client, by: Actor):
    case.prompt_set.prompts.update(text="=HYPERLINK(1)")
    ballot = ballot_in(client.get(address(case, "console_vote")).content.decode())
    body = {"pair": ballot["current"]["key"], "answer": "tie", "reason": "@sum"}
    client.post(address(case, "console_vote"), body, content_type="application/json")
    reveal(actor=by, benchmark_id=case.id)
    (row,) = csv.DictReader(io.StringIO(client.get(address(case, "console_votes_csv")).content.decode()))
    assert (row["prompt"], row["reason"], row["choice"]) == ("'=HYPERLINK(1)", "'@sum", "tie")
    assert row["voter"] == User.objects.get(pk=by.person).email


def test_the_form_estimates_and_starts(database: None):
    case = BenchmarkCase(prompts=3)
    client, slug = signed_in(case.by), case.buyer.organization.slug
    chosen = {"prompts": short(case.prompt_set.pk), "model": case.names}
    part = client.get(f"/console/{slug}/benchmarks/estimate", chosen).content.decode()
    assert 'name="agreed" value="15000"' in part
    assert "Start for" in part
    form = chosen | {"name": "Mine", "form": str(new_id()), "agreed": "14999"}
    refused = client.post(f"/console/{slug}/benchmarks/new", form)
    assert refused.status_code == 422
    assert "now costs $0.015" in refused.content.decode()
    assert 'value="15000"' in refused.content.decode()
    started = [client.post(f"/console/{slug}/benchmarks/new", form | {"agreed": "15000"}) for _ in range(2)]
    assert {answer.status_code for answer in started} == {302}
    (benchmark,) = Benchmark.objects.filter(organization=case.buyer.organization)
    assert {answer.headers["Location"] for answer in started} == {f"/console/{slug}/benchmarks/{short(benchmark.pk)}"}
    assert benchmark.pk == uuid.UUID(form["form"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "Name is required"),
        ({"name": "a\0b"}, "Name must not contain NUL characters"),
        ({"prompts": ""}, "Prompt set is required"),
        ({"model": []}, "Choose at least 2 models"),
        ({"model": ["nobody/nothing", "\0/x"]}, "is on sale"),
        ({"agreed": ""}, "now costs"),
        ({"agreed": "-5"}, "now costs"),
        ({"form": "x", "agreed": "١"}, "now costs"),
    ],
)
def test_forms_that_start_nothing(database: None, changed: dict[str, object], said: str):
    case = BenchmarkCase(prompts=1)
    client, slug = signed_in(case.by), case.buyer.organization.slug
    form = {"prompts": short(case.prompt_set.pk), "model": case.names, "name": "Mine", "agreed": "5000"} | changed
    answer = client.post(f"/console/{slug}/benchmarks/new", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Benchmark.objects.filter(organization=case.buyer.organization).exists()


def test_prompts_come_typed_or_as_a_file(database: None):
    buyer = make_buyer(credit=0)
    slug = buyer.organization.slug
    client = signed_in(colleague_of(buyer))
    path = f"/console/{slug}/prompt-sets/new"
    bad = client.post(path, {"name": "x", "prompts": "a\na"})
    assert bad.status_code == 422
    assert "Line 2: “a” is on line 1 already." in bad.content.decode()
    assert not PromptSet.objects.filter(organization=buyer.organization).exists()
    client.post(path, {"name": "Typed", "prompts": "a\r\nb"})
    file = SimpleUploadedFile("p.csv", b"\xef\xbb\xbfprompt,seed\r\nc,5\r\n", content_type="text/csv")
    sent = client.post(path, {"name": "Uploaded", "prompts": "", "file": file, "next": "benchmark"})
    assert sent.headers["Location"].startswith(f"/console/{slug}/benchmarks/new?prompts=")
    uploaded, typed = PromptSet.objects.filter(organization=buyer.organization)
    assert list(uploaded.prompts.values_list("text", "seed")) == [("c", 5)]
    assert list(typed.prompts.values_list("text", flat=True)) == ["a", "b"]


def test_the_page_of_a_paused_benchmark_says_what_to_do(database: None):
    case = BenchmarkCase(prompts=1)
    case.start()
    case.sales[0].set_price(7_000)
    case.advance()
    client = signed_in(case.by)
    page = client.get(address(case, "console_benchmark")).content.decode()
    assert "This benchmark is paused." in page
    assert 'name="agreed" value="8000"' in page
    client.post(address(case, "console_resume_benchmark"), {"agreed": "8000"})
    assert case.state is State.RUNNING


def test_progress_reloads_the_page_when_there_is_news(database: None):
    case = BenchmarkCase(prompts=1)
    case.start()
    client = signed_in(case.by)
    part = client.get(address(case, "console_benchmark_progress"), {"awaits_pairs": 1})
    assert "0 of 2 pictures" in part.content.decode()
    assert "HX-Refresh" not in part.headers
    case.run_to_the_end()
    assert client.get(address(case, "console_benchmark_progress")).headers["HX-Refresh"] == "true"


def test_a_models_page_leads_to_a_benchmark_of_it(database: None):
    case = BenchmarkCase(prompts=1)
    link = f"/console/{case.buyer.organization.slug}/benchmarks/new?model={case.names[0].replace('/', '%2F')}"
    client = signed_in(colleague_of(case.buyer))
    assert link in client.get(f"/{case.names[0]}").content.decode()
    assert "/benchmarks/new" not in Client().get(f"/{case.names[0]}").content.decode()
    page = client.get(link).content.decode()
    assert re.search(rf'value="{case.names[0]}"[^>]* checked', page)
