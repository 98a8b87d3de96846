"""The operator's pages of people."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render

from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import memberships_of, people_starting, person_by_id
from marketplace.web.operator.forms import SearchQuery
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of

PEOPLE, MEMBERSHIPS = 50, 30


@operator_page(Action.OPERATE_SEE_PEOPLE)
def people(request: ActorRequest) -> HttpResponse:
    """All people, newest first, or those whose address starts with what is searched for."""
    form = SearchQuery.of_query(request, label="Email address, or its beginning")
    text = form.value("q")
    page = page_of(request, people_starting(text), key=("-id",), size=PEOPLE)
    return render(request, "operator/people.html", {"page": page, "form": form, "q": text})


@operator_page(Action.OPERATE_SEE_PEOPLE)
def person(request: ActorRequest, id: uuid.UUID) -> HttpResponse:
    """One person with their memberships."""
    found = person_by_id(id)
    page = page_of(request, memberships_of(found), key=("created_at", "id"), size=MEMBERSHIPS)
    return render(request, "operator/person.html", {"found": found, "page": page})
