"""The web process: the async front before Django, and an id for every request before both."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
_django = get_asgi_application()

from marketplace.api.front.app import Front  # noqa: E402  # models need Django to be set up first
from marketplace.api.front.request_ids import RequestIds  # noqa: E402

application = RequestIds(Front(_django))
