"""A Python client that is generated from the API document, and a program that uses it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGE = "bourse_client"
PROGRAM = '''
"""Lists models, runs one and waits, and reads a refusal: all of it typed."""

import sys

from bourse_client import AuthenticatedClient
from bourse_client.api.default import models_list, predictions_create_by_model, predictions_get
from bourse_client.models import CreatePrediction, CreatePredictionInput, ModelPage, Prediction, Problem


def main(base_url: str, key: str, slug: str) -> None:
    client = AuthenticatedClient(base_url=base_url, token=key, timeout=None)
    page = models_list.sync(client=client)
    assert isinstance(page, ModelPage)
    owner, name = slug.split("/")
    (price,) = [model.price.amount_micro for model in page.results if (model.owner, model.name) == (owner, name)]
    body = CreatePrediction(input_=CreatePredictionInput.from_dict({"prompt": "a red heart"}), max_price=price / 1e6)
    made = predictions_create_by_model.sync(owner, name, client=client, body=body, prefer="wait")
    assert isinstance(made, Prediction), made
    assert made.receipt is not None
    print(made.status, made.receipt.payload.charged)
    refused = predictions_get.sync_detailed("nothing", client=client)
    problem = refused.parsed
    assert isinstance(problem, Problem)
    assert problem.request_id == refused.headers["x-request-id"]
    print(problem.status, problem.detail)


main(*sys.argv[1:])
'''
# What the generator writes into every client, whatever the document is.
CONFIGURATION = "[mypy]\nstrict = True\n[mypy-bourse_client.client]\nignore_errors = True\n"


def generate_client(document: dict[str, Any], folder: Path) -> None:
    """Write the client and the program into an empty folder. Fails where the generator has to leave something out."""
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "program.py").write_text(PROGRAM)
    (folder / "mypy.ini").write_text(CONFIGURATION)
    generate = ["openapi_python_client", "generate", "--path", "openapi.json", "--output-path", PACKAGE]
    run(folder, "-m", *generate, "--meta", "none", "--fail-on-warning")


def run(folder: Path, *arguments: str) -> str:
    """Run Python in the folder, and give what it printed."""
    environment = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
