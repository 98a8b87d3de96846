"""Settings of payments: a partial configuration is an error."""

import os
import subprocess
import sys

import pytest

from tests.support.services import OUTSIDE, ROOT

WHOLE = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
PRINTED = "from marketplace import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"


def load(**environment: str) -> "subprocess.CompletedProcess[str]":
    """Import the settings in a process of their own and print the CSP's form-action."""
    inherited = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    return subprocess.run(
        [sys.executable, "-c", PRINTED], cwd=ROOT, env=inherited | environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "STRIPE_SECRET_KEY is set without STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_1"}, "STRIPE_SECRET_KEY is not set"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, "STRIPE_SECRET_KEY is not set"),
        (WHOLE | {"STRIPE_SECRET_KEY": "pk_test_1"}, "must be a secret or restricted key"),
        (WHOLE | {"STRIPE_WEBHOOK_SECRET": "secret"}, "STRIPE_WEBHOOK_SECRET"),
        (WHOLE | {"CURRENCY": "JPY"}, "not JPY"),
    ],
)
def test_half_a_configuration_is_refused(environment: dict[str, str], said: str):
    done = load(**environment)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize(
    ("environment", "lead_to"),
    [
        ({}, []),
        (WHOLE, ["https://*.stripe.com"]),
        (WHOLE | {"STRIPE_API_BASE": "http://127.0.0.1:8350/"}, ["http://127.0.0.1:8350"]),
    ],
)
def test_forms_lead_to_the_gateways_pages_only(environment: dict[str, str], lead_to: list[str]):
    done = load(**environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(["'self'", *lead_to])
