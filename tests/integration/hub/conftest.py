"""Providers with keys and repositories, driven as a Hub client drives them."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from marketplace.accounts.models import ApiKey
from marketplace.accounts.services.api_keys import create_key
from marketplace.core.storage import blob_store
from tests.support.front_client import Answer, FrontClient
from tests.support.parties import Party, make_party


@pytest.fixture(autouse=True)
def quick_passwords(settings):  # type: ignore[no-untyped-def]
    """Use a fast password hash: the default one is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def blobs(settings, tmp_path: Path) -> Iterator[Path]:  # type: ignore[no-untyped-def]
    """The folder of a blob store of its own."""
    settings.STORAGE_URL = f"file://{tmp_path}/blobs"
    blob_store.cache_clear()
    yield tmp_path / "blobs"
    blob_store.cache_clear()


@pytest.fixture
def front_client(database: None) -> Iterator[FrontClient]:
    front_client = FrontClient()
    front_client.start()
    yield front_client
    front_client.stop()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Client:
    """A provider's Hub client, with an API key."""

    front_client: FrontClient
    party: Party
    key: str
    key_row: ApiKey

    @property
    def owner(self) -> str:
        return self.party.organization.slug

    def request(self, method: str, address: str, body: Any = None, **more: Any) -> Answer:
        return self.front_client.request(method, address, body, key=self.key, **more)

    def create(self, name: str) -> Answer:
        return self.request("POST", "/api/repos/create", {"name": name, "organization": self.owner})

    def announce(
        self, repository: str, *contents: bytes, transfers: tuple[str, ...] = ("basic", "multipart")
    ) -> Answer:
        objects = [{"oid": sha256(content), "size": len(content)} for content in contents]
        document = {"operation": "upload", "transfers": transfers, "objects": objects, "hash_algo": "sha256"}
        return self.request("POST", f"/{repository}.git/info/lfs/objects/batch", document)

    def upload(self, repository: str, content: bytes) -> None:
        """Announce and upload one content in one piece."""
        (wanted,) = self.announce(repository, content).json()["objects"]
        if "actions" in wanted:
            answer = self.front_client.request("PUT", inside(wanted["actions"]["upload"]["href"]), content)
            assert answer.status == 200, answer.body

    def commit(
        self,
        repository: str,
        files: Mapping[str, bytes] | None = None,
        *,
        large: Mapping[str, bytes] | None = None,
        deleted: tuple[str, ...] = (),
        folders: tuple[str, ...] = (),
        parent: str | None = None,
        revision: str = "main",
        **more: Any,
    ) -> Answer:
        """Commit small `files` as they are and `large` ones by their digest."""
        header = {"summary": "Change it", "description": ""} | ({"parentCommit": parent} if parent else {})
        lines: list[tuple[str, Any]] = [("header", header)]
        for path, content in (files or {}).items():
            lines.append(("file", {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}))
        for path, content in (large or {}).items():
            lines.append(("lfsFile", {"path": path, "algo": "sha256", "oid": sha256(content), "size": len(content)}))
        lines += [("deletedFile", {"path": path}) for path in deleted]
        lines += [("deletedFolder", {"path": path}) for path in folders]
        body = b"".join(json.dumps({"key": key, "value": value}).encode() + b"\n" for key, value in lines)
        return self.request("POST", f"/api/models/{repository}/commit/{revision}", body, **more)

    def get(self, repository: str, path: str, revision: str = "main", **headers: str) -> Answer:
        return self.request("GET", f"/{repository}/resolve/{revision}/{path}", headers=headers)

    def head(self, repository: str) -> str:
        head: str = self.request("GET", f"/api/models/{repository}").json()["sha"]
        return head

    def paths(self, repository: str) -> list[str]:
        document = self.request("GET", f"/api/models/{repository}/tree/main?recursive=true").json()
        return [entry["path"] for entry in document if entry["type"] == "file"]


def inside(url: str) -> str:
    """The URL's path and query."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def make_client(front_client: FrontClient) -> Client:
    party = make_party(can_buy=False, can_provide=True)
    new = create_key(actor=party.actor, name="laptop")
    return Client(front_client, party, new.secret, new.key)


@pytest.fixture
def client(front_client: FrontClient) -> Client:
    return make_client(front_client)


@pytest.fixture
def stranger(front_client: FrontClient) -> Client:
    return make_client(front_client)


@pytest.fixture
def repository(client: Client) -> str:
    assert client.create("icons").status == 200
    return f"{client.owner}/icons"


@pytest.fixture
def weights() -> bytes:
    """Random bytes: weights are checked after the commit only."""
    return os.urandom(5_000)
