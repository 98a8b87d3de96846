"""The mail that went out, where there is no mail server."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.core.selectors import inbox_messages
from marketplace.web.shared.access import operator_page


@operator_page
def inbox(request: HttpRequest) -> HttpResponse:
    page = Paginator(inbox_messages(), 20).get_page(request.GET.get("page"))
    return render(request, "operator/inbox.html", {"page": page})
