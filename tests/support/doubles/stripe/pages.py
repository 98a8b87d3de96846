"""The pages that Stripe hosts: where a buyer pays and where a provider onboards."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.doubles.stripe.refusals import Refusal
from tests.support.doubles.stripe.resources import pay, set_transfers
from tests.support.doubles.stripe.store import Store

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"></head><body><main><h1>{title}</h1>{content}</main></body></html>"""


def _page(title: str, content: str, *, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(title=escape(title), content=content), status)


def _button(action: str, label: str) -> str:
    return f'<form method="post" action="{action}"><button>{label}</button></form>'


def routes(store: Store) -> list[Route]:
    def checkout(request: Request) -> Response:
        session = store.find("checkout.session", request.path_params["id"])
        if session is None or session["status"] != "open":
            return _page("This page is not available any more", "", status=404)
        here = f"/pay/{session['id']}"
        amount = f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}"
        declined = "<p>Your card was declined.</p>" if "declined" in request.query_params else ""
        content = declined + _button(f"{here}/card", "Pay") + _button(f"{here}/bank", "Pay by bank")
        content += _button(f"{here}/decline", "Decline")
        if session["cancel_url"]:
            content += f'<a href="{escape(session["cancel_url"])}">Back</a>'
        return _page(f"Pay {amount}", content)

    def paid(request: Request) -> Response:
        session = store.find("checkout.session", request.path_params["id"])
        how = request.path_params["how"]
        if session is None:
            return _page("There is no such payment", "", status=404)
        if how == "decline":
            return RedirectResponse(f"/pay/{session['id']}?declined", 303)
        try:
            with store.lock:
                pay(store, session, later=how == "bank")
        except Refusal as refusal:
            return _page(str(refusal), "", status=400)
        return RedirectResponse(session["success_url"], 303)

    def onboarding(request: Request) -> Response:
        link = store.find("v2.core.account_link", request.path_params["id"])
        if link is None:
            return _page("There is no such link", "", status=404)
        options = link["use_case"]["account_onboarding"]
        if link["used"]:
            return RedirectResponse(options["refresh_url"], 303)
        here = f"/onboard/{link['id']}"
        return _page("Tell us about you", _button(f"{here}/submit", "Submit") + _button(f"{here}/leave", "Leave"))

    def onboarded(request: Request) -> Response:
        link = store.find("v2.core.account_link", request.path_params["id"])
        if link is None or link["used"]:
            return _page("This link was used", "", status=404)
        with store.lock:
            link["used"] = True
            if request.path_params["how"] == "submit":
                set_transfers(store, store.objects[link["account"]], "active")
        return RedirectResponse(link["use_case"]["account_onboarding"]["return_url"], 303)

    return [
        Route("/pay/{id}", checkout, methods=["GET"]),
        Route("/pay/{id}/{how}", paid, methods=["POST"]),
        Route("/onboard/{id}", onboarding, methods=["GET"]),
        Route("/onboard/{id}/{how}", onboarded, methods=["POST"]),
    ]
