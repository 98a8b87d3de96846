"""The documentation as the market shows it."""

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("page", ["", "decisions", "decisions/0002-life-in-sql-functions", "runbooks/operating"])
def test_a_page_of_the_documentation_names_itself_in_the_list_of_all(page: str) -> None:
    answer = Client().get(f"/docs/{page}")
    assert answer.status_code == 200
    assert f'href="/docs/{page}" aria-current="page"' in answer.content.decode()


@pytest.mark.parametrize("page", ["nothing", "decisions/README", "decisions/nothing", "pictures", "../settings"])
def test_what_is_no_page_is_not_found(page: str) -> None:
    assert Client().get(f"/docs/{page}").status_code == 404
