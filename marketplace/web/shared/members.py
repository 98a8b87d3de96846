"""The page of an organisation's members, for both sides of the market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, Role
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import members_of
from marketplace.accounts.services import members
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.fields import Choice, Email
from marketplace.web.shared.forms import Form
from marketplace.web.shared.paging import page_of

if TYPE_CHECKING:
    from marketplace.accounts.models import Membership

MEMBERS = 30


class RoleForm(Form):
    """The role of a member; `owner` is a choice only for actors who may give it.

    Args:
        actor: the actor who chooses the role.
    """

    role = Choice(initial=Role.DEVELOPER)

    def __init__(self, *args: Any, actor: Actor, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["role"]
        assert isinstance(field, Choice)
        field.choices = [(role.value, role.value.capitalize()) for role in Role if _may_give(actor, role)]


class MemberForm(RoleForm):
    """A person to add, who has an account already."""

    email = Email(help_text="They need an account here first.")
    field_order = ("email", "role")


@member_page(Action.SEE_MEMBERS)
def member_list(request: MemberRequest) -> HttpResponse:
    """The members; a POST adds one."""
    form = MemberForm.of(request, actor=request.actor)
    if form.is_valid():
        email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
        added = form.attempt(members.add_member, actor=request.actor, email=email, role=role)
        if added is not None:
            messages.success(request, f"{added.user.email} is a member now.")
            return redirect(request.path)
    side = _side(request)
    page = page_of(request, members_of(request.membership.organization), key=("created_at", "id"), size=MEMBERS)
    context = {
        "page": page,
        "rows": [_row(request.actor, member) for member in page],
        "roles": [(role.value, policy.ROLES[role]) for role in Role],
        "form": form,
        "layout": f"{side}/base.html",
        "remove_url": f"web:{side}_remove_member",
        "role_url": f"web:{side}_change_role",
    }
    return render(request, "console/members.html", context, status=form.status)


@require_POST
@member_page(Action.CHANGE_ROLE)
def change_role(request: MemberRequest, id: int) -> HttpResponse:
    """Give a member another role."""
    role = Role(RoleForm.of(request, actor=request.actor).given()["role"])
    changed = members.change_role(actor=request.actor, membership_id=id, role=role)
    messages.success(request, f"{changed.user.email} has the role {role.value} now.")
    return redirect(f"web:{_side(request)}_members", request.membership.organization.slug)


@require_POST
@member_page(Action.REMOVE_MEMBER)
def remove_member(request: MemberRequest, id: int) -> HttpResponse:
    """Remove a member."""
    members.remove_member(actor=request.actor, membership_id=id)
    messages.success(request, "The member was removed.")
    return redirect(f"web:{_side(request)}_members", request.membership.organization.slug)


def _side(request: MemberRequest) -> str:
    """The side of the market that the page is on."""
    return "provider" if request.path.startswith("/provider/") else "console"


def _row(actor: Actor, member: Membership) -> dict[str, Any]:
    """A member's row in the table, with a form for the role if the actor may change it."""
    may_change = policy.allows(actor, Action.CHANGE_ROLE) and _may_give(actor, Role(member.role))
    form = RoleForm(actor=actor, initial={"role": member.role}, auto_id=f"id_{member.pk}_%s") if may_change else None
    return {
        "member": member,
        "form": form,
        "may_remove": policy.allows(actor, Action.REMOVE_MEMBER) and _may_give(actor, Role(member.role)),
    }


def _may_give(actor: Actor, role: Role) -> bool:
    """Whether the actor may give a member this role, or remove it."""
    return role is not Role.OWNER or policy.allows(actor, Action.MANAGE_OWNERS)
