"""The URLs that clients print after an upload lead to the right pages."""

from django.test import Client as Browser

from tests.integration.hub.conftest import Client
from tests.support.parties import make_party

CARD = b"---\nlicense: apache-2.0\n---\nIcons.\n"


def leads_to(browser: Browser, address: str) -> str:
    answer = browser.get(address, headers={"host": "localhost"})
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def test_a_commit_leads_its_owner_to_the_version(client: Client, repository: str):
    commit = client.commit(repository, {"README.md": CARD}).json()["commitOid"]
    browser = Browser()
    address = f"/{repository}/commit/{commit}"
    assert leads_to(browser, address).startswith("/accounts/login/?next=")
    browser.force_login(client.party.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert leads_to(browser, address) == f"/provider/{client.owner}/models/icons/versions/1"
    assert leads_to(browser, f"/{repository}/tree/{commit}/unet") == leads_to(browser, address)
    for rest in ("tree/main/.", f"commit/{'0' * 40}", "commit/%00"):
        assert leads_to(browser, f"/{repository}/{rest}") == f"/provider/{client.owner}/models/icons"
    page = browser.get(f"/provider/{client.owner}/models/icons/versions/1", headers={"host": "localhost"})
    assert (page.status_code, "Change it" in page.content.decode()) == (200, True)


def test_a_repository_without_versions_has_its_pages(client: Client, repository: str):
    browser = Browser()
    browser.force_login(client.party.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert leads_to(browser, f"/{repository}/tree/main/.") == f"/provider/{client.owner}/models/icons"
    for address in (f"/provider/{client.owner}/models/icons", f"/provider/{client.owner}/models"):
        page = browser.get(address, headers={"host": "localhost"})
        assert (page.status_code, "icons" in page.content.decode()) == (200, True)


def test_other_organisations_get_no_information(client: Client, repository: str):
    commit = client.commit(repository, {"README.md": CARD}).json()["commitOid"]
    browser = Browser()
    browser.force_login(make_party().user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert leads_to(browser, f"/{repository}/commit/{commit}") == f"/{repository}"
    assert leads_to(browser, f"/{client.owner}/nothing/commit/{commit}") == f"/{client.owner}/nothing"
