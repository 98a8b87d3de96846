"""The members of an organisation, on either side of the market."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.domain import Role
from marketplace.accounts.selectors import members_of
from marketplace.accounts.services import members
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.fields import Choice, Email
from marketplace.web.shared.forms import Form


class MemberForm(Form):
    """A person to add, who has an account already."""

    email = Email(help_text="They need an account here first.")
    role = Choice(choices=[(role.value, role.value.capitalize()) for role in reversed(Role)])


@member_page
def member_list(request: MemberRequest) -> HttpResponse:
    """The members; a POST adds one."""
    form = MemberForm.of(request)
    if form.is_valid():
        email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
        added = form.attempt(members.add_member, by=request.membership, email=email, role=role)
        if added is not None:
            messages.success(request, f"{added.user.email} is a member now.")
            return redirect(request.path)
    side = _side(request)
    context = {
        "members": members_of(request.membership.organization),
        "form": form,
        "is_owner": request.membership.role == Role.OWNER,
        "layout": f"{side}/base.html",
        "remove_url": f"web:{side}_remove_member",
    }
    return render(request, "console/members.html", context, status=form.status)


@require_POST
@member_page
def remove_member(request: MemberRequest, id: int) -> HttpResponse:
    """Take a membership away."""
    members.remove_member(by=request.membership, membership_id=id)
    messages.success(request, "The member was removed.")
    return redirect(f"web:{_side(request)}_members", request.membership.organization.slug)


def _side(request: MemberRequest) -> str:
    """The side of the market that the page is on."""
    return "provider" if request.path.startswith("/provider/") else "console"
