"""Pages of long lists, by the page number in the address."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.web.shared.fields import Quantity
from marketplace.web.shared.forms import Form


class PageQuery(Form):
    """The number of a page, from 1."""

    page = Quantity(min_value=1, required=False)


def page_of(request: HttpRequest, rows: QuerySet[Any], *, size: int) -> Page[Any]:
    """The page with the number in the address; the first without a number, the last for a larger number."""
    return Paginator(rows, size).get_page(PageQuery.of_query(request).value("page", 1))
