"""Stock `huggingface_hub` clients and diffusers against a live market.

The installed client always runs; `make test-clients` names further interpreters in HUB_CLIENTS, one a release.
"""

import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.market import Market
from tests.support.parties import HERO
from tests.support.services import wait_until

INSTALLED = sys.executable
CLIENTS = [INSTALLED, *filter(None, os.environ.get("HUB_CLIENTS", "").split(os.pathsep))]
UNET = "unet/diffusion_pytorch_model.safetensors"
LARGE = 160_000_000  # five parts


@dataclass(frozen=True)
class Hub:
    """One client with one key and a cache of its own."""

    market: Market
    python: str
    home: Path
    token: str

    def environment(self, **changed: str) -> dict[str, str]:
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "BOURSE_"))}
        return keep | {
            "HF_ENDPOINT": self.market.base_url,
            "HF_TOKEN": self.token,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **changed,
        }

    def hf(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """The command-line tool."""
        command = [str(Path(self.python).parent / "hf"), *arguments]
        return subprocess.run(
            command, env=self.environment(**environment), capture_output=True, text=True, timeout=120, check=False
        )

    def run(self, code: str, **names: Any) -> Any:
        """Run code with `api`, `hub` and `names`; returns its variable `answer`."""
        prelude = "import huggingface_hub as hub, json\napi = hub.HfApi()\nanswer = None\n"
        given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        script = prelude + given + textwrap.dedent(code) + "\nprint('ANSWER', json.dumps(answer))\n"
        done = subprocess.run(
            [self.python, "-W", "ignore", "-c", script],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.rpartition("ANSWER ")[2])

    def with_token(self, token: str) -> "Hub":
        return Hub(self.market, self.python, self.home / token[-6:], token)


@pytest.fixture(params=CLIENTS, ids=lambda python: Path(python).parent.parent.name)
def client(request: pytest.FixtureRequest, market: Market, tmp_path: Path) -> Hub:
    return Hub(market, request.param, tmp_path / "home", market.demo["provider"]["hub_token"])


@pytest.fixture
def installed(market: Market, tmp_path: Path) -> Hub:
    return Hub(market, INSTALLED, tmp_path / "home", market.demo["provider"]["hub_token"])


@pytest.fixture
def name() -> str:
    """A repository name that no other test has."""
    return f"lumen/t{os.urandom(6).hex()}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(HERO, tmp_path / "folder")


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files with the same bytes, the client's own cache aside."""
    listings = [
        sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".cache" not in path.parts)
        for root in (one, other)
    ]
    return listings[0] == listings[1] and filecmp.cmpfiles(one, other, listings[0], shallow=False)[1:] == ([], [])


def state_of(market: Market, commit: str) -> str:
    with market.connect() as connection:
        row = connection.execute("SELECT state FROM providers_modelversion WHERE id = %s", [commit]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_folder_is_uploaded_checked_and_downloaded(
    market: Market, client: Hub, name: str, folder: Path, tmp_path: Path
):
    done = client.hf("upload", name, str(folder), ".")
    assert done.returncode == 0, done.stderr
    commit = client.run("answer = api.model_info(name).sha", name=name)
    again = client.hf("upload", name, str(folder), ".")
    assert "No files have been modified" in again.stderr
    assert client.run("answer = api.model_info(name).sha", name=name) == commit
    target = tmp_path / "fetched"
    client.run("hub.snapshot_download(name, local_dir=target)", name=name, target=str(target))
    assert same(folder, target)
    cached = client.run("answer = hub.snapshot_download(name, revision=commit)", name=name, commit=commit)
    assert same(folder, Path(cached))
    wait_until(lambda: state_of(market, commit) != "checking", "the end of the checks", seconds=180)
    assert state_of(market, commit) == "passed"


def test_the_client_lists_repositories_and_commits(client: Hub, name: str, folder: Path):
    found = client.run(
        """
        url = api.create_repo(name, private=True)
        assert (url.repo_id, api.create_repo(name, exist_ok=True)) == (name, url)
        try:
            api.create_repo(name)
        except hub.errors.HfHubHTTPError as error:
            assert error.response.status_code == 409
        assert api.list_repo_files(name) == []
        first = api.upload_folder(repo_id=name, folder_path=folder, commit_message="One")
        assert first.repo_url.repo_id == name and first.commit_url.endswith(f"/commit/{first.oid}")
        api.upload_file(repo_id=name, path_in_repo="LICENSE", path_or_fileobj=b"Apache", commit_message="Two")
        vae = {"folder_path": folder + "/vae", "path_in_repo": "vae"}
        patterns = {"ignore_patterns": "*.json", "delete_patterns": "*.json"}
        api.upload_folder(repo_id=name, **vae, **patterns, commit_message="Three")
        api.delete_file("LICENSE", name, commit_message="Four")
        last = api.delete_folder("vae", name, commit_message="Five")
        try:
            api.delete_file("LICENSE", name)
        except hub.errors.EntryNotFoundError as error:
            assert "doesn't exist" in str(error)
        try:
            api.upload_file(repo_id=name, path_in_repo="NOTICE", path_or_fileobj=b"x", parent_commit=first.oid)
        except hub.errors.HfHubHTTPError as error:
            assert error.response.status_code == 412 and last.oid in str(error)
        refs = api.list_repo_refs(name)
        assert [(one.name, one.target_commit) for one in refs.branches] == [("main", last.oid)]
        (license,) = api.get_paths_info(name, ["LICENSE", "nothing"], revision="v2")
        assert license.size == 6
        tree = api.list_repo_tree(name, recursive=True)
        large = [one.path for one in tree if getattr(one, "lfs", None)]
        assert api.file_exists(name, "README.md") and not api.file_exists(name, "LICENSE")
        assert name in [one.id for one in api.list_models(author="lumen")]
        answer = [[one.title for one in api.list_repo_commits(name)], sorted(large), api.list_repo_files(name)]
        api.delete_repo(name)
        assert not api.repo_exists(name)
        """,
        name=name,
        folder=str(folder),
    )
    titles, large, files = found
    assert titles == ["Five", "Four", "Three", "Two", "One", "initial commit"]
    kept = sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.parent.name != "vae"
    )
    assert files == kept
    assert large == [path for path in kept if path.endswith(".safetensors")]


def test_errors_become_the_clients_exceptions_with_a_message(market: Market, client: Hub, name: str, folder: Path):
    (folder / "pytorch_model.bin").write_bytes(b"x")
    seen = client.run(
        """
        def refused(call, *arguments, **named):
            try:
                call(*arguments, **named)
            except Exception as error:
                return [type(error).__name__, str(error)]
        api.create_repo(name)
        answer = [
            refused(api.model_info, "lumen/nothing"),
            refused(api.model_info, name, revision="dev"),
            refused(hub.hf_hub_download, name, "nothing.json"),
            refused(api.upload_folder, repo_id=name, folder_path=folder),
            refused(api.create_branch, name, branch="dev"),
            refused(api.upload_file, repo_id=name, path_in_repo="README.md", path_or_fileobj=b"---\\na: [\\n---\\n"),
            refused(api.create_repo, "papercut/mine"),
        ]
        """,
        name=name,
        folder=str(folder),
    )
    missing, revision, entry, pickle, branch, card, foreign = seen
    assert missing[0] == "RepositoryNotFoundError"
    assert revision[0] == "RevisionNotFoundError"
    assert entry[0] in ("EntryNotFoundError", "RemoteEntryNotFoundError")
    assert pickle[0] == "BadRequestError"
    assert "pytorch_model.bin: can run code when it is loaded; publish weights as .safetensors" in pickle[1]
    assert "one branch, main" in branch[1]
    assert card[0] == "ValueError"
    assert "is not YAML" in card[1]
    assert "speaks for lumen" in foreign[1]
    wrong = client.with_token("bourse_wrong").hf("upload", name, str(HERO), ".")
    assert wrong.returncode != 0
    assert "unknown or was revoked; make one under API keys" in wrong.stderr + wrong.stdout


def test_other_organisations_see_listed_models_without_weights(market: Market, client: Hub, name: str):
    client.run("api.create_repo(name)", name=name)
    for party in (market.demo["buyer"]["api_key"], market.demo["others"]["provider"]["hub_token"]):
        seen = client.with_token(party).run(
            """
            try:
                api.model_info(name)
            except hub.errors.RepositoryNotFoundError:
                card = hub.hf_hub_download(hero, "README.md")
                try:
                    hub.hf_hub_download(hero, weights)
                except hub.errors.GatedRepoError as error:
                    answer = [open(card).read(), str(error)]
            """,
            name=name,
            hero=market.demo["models"][0],
            weights=UNET,
        )
        assert seen[0] == (HERO / "README.md").read_text()
        assert "sold by the call" in seen[1]


def test_an_interrupted_multipart_upload_is_resumed(market: Market, client: Hub, name: str, tmp_path: Path):
    large = tmp_path / "model.safetensors"
    data = os.urandom(LARGE)
    large.write_bytes(data)
    code = (
        "import sys, huggingface_hub as hub\n"
        "given = dict(repo_id=sys.argv[1], path_or_fileobj=sys.argv[2])\n"
        "hub.HfApi().upload_file(path_in_repo='unet/model.safetensors', **given)"
    )
    client.run("api.create_repo(name)", name=name)
    command = [client.python, "-W", "ignore", "-c", code, name, str(large)]
    with market.connect() as connection:

        def parts() -> int:
            return int(connection.execute("SELECT count(*) FROM providers_lfspart").fetchone()[0])  # type: ignore[index]

        before = parts()
        first = subprocess.Popen(command, env=client.environment(), stderr=subprocess.DEVNULL)
        wait_until(lambda: parts() > before, "the first part", seconds=60)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert before < parts() < before + 5
    assert client.run("answer = api.list_repo_files(name)", name=name) == []
    subprocess.run(command, env=client.environment(), check=True, stderr=subprocess.DEVNULL)
    assert not any((market.home / "blobs" / "aside").iterdir())
    # An interrupted download: 0.36 resumes it, as the marked beginning shows; 2.4 starts again.
    fetched = client.run(
        """
        import pathlib
        info = hub.get_hf_file_metadata(hub.hf_hub_url(name, path))
        blobs = pathlib.Path(hub.constants.HF_HUB_CACHE) / ("models--" + name.replace("/", "--")) / "blobs"
        blobs.mkdir(parents=True)
        (blobs / f"{info.etag}.incomplete").write_bytes(b"#" * 50_000_000)
        answer = [hub.__version__, info.size, hub.hf_hub_download(name, path)]
        """,
        name=name,
        path="unet/model.safetensors",
    )
    version, size, file = fetched
    came = Path(file).read_bytes()
    assert size == len(came) == LARGE
    assert came[50_000_000:] == data[50_000_000:]
    assert came[:50_000_000] == (b"#" * 50_000_000 if version.startswith("0.") else data[:50_000_000])


def test_sixteen_commits_at_once(client: Hub, name: str):
    found = client.run(
        """
        from concurrent.futures import ThreadPoolExecutor
        api.create_repo(name)
        def one(number):
            path = f"p{number}/config.json"
            return api.upload_file(repo_id=name, path_in_repo=path, path_or_fileobj=b"%d" % number).oid
        with ThreadPoolExecutor(16) as pool:
            made = set(pool.map(one, range(16)))
        answer = [len(made), len(api.list_repo_commits(name)), api.list_repo_files(name)]
        """,
        name=name,
    )
    assert found == [16, 17, sorted(f"p{number}/config.json" for number in range(16))]


def test_a_client_that_tries_xet_says_what_to_set(installed: Hub, folder: Path):
    done = installed.hf("upload", "lumen/xet", str(folder), ".", HF_HUB_DISABLE_XET="0")
    assert done.returncode != 0
    assert "set-HF_HUB_DISABLE_XET=1" in done.stderr + done.stdout


def test_diffusers_pushes_and_loads(market: Market, installed: Hub):
    answer: Mapping[str, Any] = installed.run(
        """
        import numpy, torch, warnings
        from diffusers import DiffusionPipeline
        def picture(pipeline):
            seeded = torch.Generator().manual_seed(1)
            return pipeline("a red circle", num_inference_steps=1, generator=seeded, output_type="np").images
        local = DiffusionPipeline.from_pretrained(hero, torch_dtype=torch.float32)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            url = local.push_to_hub(name)
        loaded = DiffusionPipeline.from_pretrained(name, torch_dtype=torch.float32)
        same = bool(numpy.array_equal(picture(local), picture(loaded)))
        warned = [text for one in heard if "README" in (text := str(one.message))]
        answer = {"url": url, "same": same, "warned": warned}
        """,
        name="lumen/pushed",
        hero=str(HERO),
    )
    assert answer["same"]
    assert "name the licence" in answer["warned"][0]  # push_to_hub writes a card of its own, without one
    pushed = answer["url"].rpartition("/")[2]
    wait_until(lambda: state_of(market, pushed) == "refused", "the refusal", seconds=60)
    fixed = installed.run(
        "answer = api.upload_file(repo_id='lumen/pushed', path_in_repo='README.md', path_or_fileobj=card).oid",
        card=(HERO / "README.md").read_bytes(),
    )
    wait_until(lambda: state_of(market, fixed) != "checking", "the end of the checks", seconds=180)
    assert state_of(market, fixed) == "passed"
