"""The members of an organisation, on either side of the market."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.domain import Role
from marketplace.accounts.selectors import members_of
from marketplace.accounts.services import members
from marketplace.core.problems import Invalid
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.forms import by_field


@member_page
def member_list(request: MemberRequest) -> HttpResponse:
    """The members' page of either side of the market."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        role = Role.OWNER if request.POST.get("role") == Role.OWNER else Role.MEMBER
        try:
            added = members.add_member(by=request.membership, email=request.POST.get("email", ""), role=role)
        except Invalid as problem:
            errors = by_field(problem)
        else:
            messages.success(request, f"{added.user.email} is a member now.")
            return redirect(request.path)
    context = {
        "members": members_of(request.membership.organization),
        "errors": errors,
        "email": request.POST.get("email", "") if errors else "",
        "is_owner": request.membership.role == Role.OWNER,
        "side": "provider" if request.path.startswith("/provider/") else "console",
        "layout": "provider/base.html" if request.path.startswith("/provider/") else "console/base.html",
    }
    return render(request, "console/members.html", context, status=422 if errors else 200)


@require_POST
@member_page
def remove_member(request: MemberRequest, id: int) -> HttpResponse:
    members.remove_member(by=request.membership, membership_id=id)
    messages.success(request, "The member was removed.")
    side = "provider" if request.POST.get("side") == "provider" else "console"
    return redirect(f"web:{side}_members", request.membership.organization.slug)
