"""Settings, all from the environment. A missing setting that has no default raises ImproperlyConfigured."""

import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from marketplace.launcher.embedded.home import Home

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Without DATABASE_URL the launcher runs PostgreSQL itself and creates the secrets.
HOME = Home.from_environment(default=BASE_DIR / ".bourse")
EMBEDDED_POSTGRES = "DATABASE_URL" not in os.environ
EMBEDDED_REDIS = "REDIS_URL" not in os.environ


def _secret(name: str) -> str:
    value = HOME.secret(name, make=EMBEDDED_POSTGRES)
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set. With DATABASE_URL given, every process needs the same secrets from its environment: "
            f'set {name} to 64 hexadecimal digits (python -c "import secrets; print(secrets.token_hex(32))").'
        )
    return value


# --- the site -----------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _secret("SECRET_KEY")
RECEIPT_KEY = _secret("RECEIPT_KEY")  # seed of the Ed25519 key that signs receipts
if not re.fullmatch(r"[0-9a-fA-F]{64}", RECEIPT_KEY):
    raise ImproperlyConfigured("RECEIPT_KEY must be 64 hexadecimal digits.")
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://localhost:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[urlsplit(BASE_URL).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "marketplace",
    "marketplace.web",
    "marketplace.api",
    "marketplace.demo",
    "marketplace.benchmarks",
    "marketplace.catalog",
    "inference",
    "providers",
    "billing",
    "marketplace.accounts",
    "marketplace.core",
    "allauth",
    "allauth.account",
    "rest_framework",
    "django_htmx",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.humanize",
    "django.contrib.postgres",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "marketplace.web.static.StaticFilesMiddleware",  # its files are compressed when they are collected
    "marketplace.web.compression.CompressedText",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "marketplace.web.problems.ProblemMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
ASGI_APPLICATION = "marketplace.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.web.context.site",
            ],
        },
    }
]

FORM_RENDERER = "marketplace.web.shared.forms.Renderer"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- services -----------------------------------------------------------------------------------------------------
# Two roles: the owner migrates; the serving role, which all processes use, can neither change nor delete rows of
# append-only tables. DATABASE_OWNER_URL is needed only where `manage.py migrate` runs.
OWNER_ROLE, SERVING_ROLE = "bourse_owner", "bourse"
DATABASE_NAME = env.str("DATABASE_NAME", default="bourse")  # of the embedded PostgreSQL
if EMBEDDED_POSTGRES:
    DATABASE_URL = HOME.postgres_url(user=SERVING_ROLE, database=DATABASE_NAME)
    DATABASE_OWNER_URL = HOME.postgres_url(user=OWNER_ROLE, database=DATABASE_NAME)
else:
    DATABASE_URL = env.str("DATABASE_URL")
    DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default=DATABASE_URL)
    SERVING_ROLE = urlsplit(DATABASE_URL).username or SERVING_ROLE

POSTGRES_POOL_SIZE = env.int("POSTGRES_POOL_SIZE", default=8)


def _database(url: str, *, pool: bool) -> dict[str, object]:
    config: dict[str, object] = env.db_url_config(url)
    config["ENGINE"] = "django.db.backends.postgresql"
    options = dict(config.get("OPTIONS", {}))  # type: ignore[call-overload]
    if "host" in options:  # the folder of a unix socket; libpq accepts it as a host
        config["HOST"] = options.pop("host")
    if pool:
        options["pool"] = {"min_size": 1, "max_size": POSTGRES_POOL_SIZE, "timeout": 10}
    config["OPTIONS"] = options
    config["CONN_MAX_AGE"] = 0  # the pool keeps connections; Django must return them
    return config


DATABASES = {
    "default": _database(DATABASE_URL, pool=True),
    "owner": _database(DATABASE_OWNER_URL, pool=False),
}
DATABASE_ROUTERS = ["marketplace.core.database.OwnerMigrates"]

REDIS_URL = env.str("REDIS_URL", default=HOME.redis_url)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or (
    f"redis+socket://{quote(str(HOME.redis_socket))}?virtual_host=0" if HOME.redis_url == REDIS_URL else REDIS_URL
)
STORAGE_URL = env.str("STORAGE_URL", default=f"file://{HOME.blobs}")

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

if "EMAIL_URL" in os.environ:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "marketplace.core.mail.InboxBackend"  # mail goes to the operator's inbox page
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Bourse <bourse@localhost>")

# --- accounts -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", default="optional")
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
LOGOUT_REDIRECT_URL = "/"

# --- the API ------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["marketplace.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "marketplace.api.problems.problem_response",
}

# --- the market's rules -------------------------------------------------------------------------------------------
CURRENCY = env.str("CURRENCY", default="USD")
PLATFORM_FEE_BPS = env.int("PLATFORM_FEE_BPS", default=1_000)  # of what the buyer pays, in basis points
PAYOUT_MINIMUM_CENTS = env.int("PAYOUT_MINIMUM_CENTS", default=100)
MAX_VERSION_BYTES = env.int("MAX_VERSION_BYTES", default=100 * 10**9)  # of a version uploaded by browser
# The cost of an hour of a device, in the currency; if set, margins are shown beside prices.
DEVICE_HOUR_COST = env.str("DEVICE_HOUR_COST", default="")
UPLOAD_QUOTA_BYTES = env.int("UPLOAD_QUOTA_BYTES", default=200_000_000_000)  # of an organisation, waiting for a commit
ARTIFACT_LINK_SECONDS = env.int("ARTIFACT_LINK_SECONDS", default=24 * 3600)

# --- payments: Stripe, or without its key a sandbox with test money ------------------------------------------------
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")  # or several, separated by commas
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="").rstrip("/")  # the URL of a test double; empty: Stripe's own
STRIPE_METER_EVENT_NAME = env.str("STRIPE_METER_EVENT_NAME", default="bourse_usage_micros")
if STRIPE_SECRET_KEY:
    if not STRIPE_SECRET_KEY.startswith(("sk_", "rk_")):
        raise ImproperlyConfigured("STRIPE_SECRET_KEY must be a secret or restricted key (sk_… or rk_…).")
    if not all(secret.startswith("whsec_") for secret in STRIPE_WEBHOOK_SECRET.split(",")):
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY is set without STRIPE_WEBHOOK_SECRET (whsec_…), so no payment would be booked. "
            f"Create a webhook endpoint in Stripe for {BASE_URL}/webhooks/stripe and set it to the endpoint's secret."
        )
    if CURRENCY not in ("AUD", "CAD", "CHF", "DKK", "EUR", "GBP", "HKD", "NOK", "NZD", "PLN", "SEK", "SGD", "USD"):
        raise ImproperlyConfigured(
            f"With Stripe, CURRENCY must be one of the usual ones that have cents, not {CURRENCY}."
        )
    # Chromium also checks the redirect after a form, so Stripe's pages must be allowed as its action.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(STRIPE_API_BASE or "https://*.stripe.com")
elif STRIPE_WEBHOOK_SECRET or STRIPE_API_BASE:
    raise ImproperlyConfigured(
        "STRIPE_SECRET_KEY is not set, but other settings of Stripe are. Set it, or unset STRIPE_WEBHOOK_SECRET and "
        "STRIPE_API_BASE for the sandbox."
    )

# --- nodes --------------------------------------------------------------------------------------------------------
NODE_NAME = env.str("NODE_NAME", default="")  # default: the host's name
NODE_ACCELERATOR = env.int("NODE_ACCELERATOR", default=0)  # index of this node's accelerator on its host
NODE_MEMORY_BYTES = env.int("NODE_MEMORY_BYTES", default=0)  # 0: measured at start
NODE_CACHE_BYTES = env.int("NODE_CACHE_BYTES", default=20 * 1024**3)  # weights kept on the node's disk
NODE_THREADS = env.int("NODE_THREADS", default=0)  # torch's threads; 0: one for each core
NODE_MAX_BATCH = env.int("NODE_MAX_BATCH", default=8)
# Packages that register further tasks when they are imported; nodes import their module `adapter` as well.
EXTRA_TASKS = env.list("EXTRA_TASKS", default=[])

# --- static files, language, time ---------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"  # collected from marketplace/static, which the asset build writes
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME.path / "files"}},
    "staticfiles": {"BACKEND": "marketplace.web.static.HashedStaticFiles"},
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "marketplace.core.request_ids.RequestIdFilter"}},
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}{request}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
