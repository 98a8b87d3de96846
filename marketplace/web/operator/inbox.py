"""The mail that was sent, for installations without a mail server."""

from django.http import HttpResponse
from django.shortcuts import render

from marketplace.accounts.policy import Action
from marketplace.core.selectors import inbox_messages
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of

MESSAGES = 20


@operator_page(Action.OPERATE_SEE_INBOX)
def inbox(request: ActorRequest) -> HttpResponse:
    """The stored messages, newest first."""
    page = page_of(request, inbox_messages(), key=("-id",), size=MESSAGES)
    return render(request, "operator/inbox.html", {"page": page})
