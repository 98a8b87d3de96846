"""The endpoint for the payment gateway's events."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.payments.services.gateway_events import receive
from marketplace.core.problems import CONTENT_TYPE, Problem


@csrf_exempt  # the signature authenticates the sender
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """`POST /webhooks/stripe`: store an event and answer at once; the platform worker processes it."""
    try:
        id = receive(body=request.body, signature=request.headers.get("Stripe-Signature", ""))
    except Problem as problem:
        document = problem.document(instance=request.path)
        return JsonResponse(document, status=problem.status, content_type=CONTENT_TYPE)
    return JsonResponse({"received": id})
