"""Accounts that a command of the installation creates; visitors sign up through allauth."""

from django.db import transaction

from marketplace.accounts.models import User


@transaction.atomic
def ensure_person(*, email: str, password: str, is_operator: bool = False) -> User:
    """Create an account with this password, or set the password of an existing one.

    Args:
        is_operator: applies to a new account; an existing one does not change.
    """
    user = User.objects.select_for_update().filter(email=email).first() or User(email=email, is_operator=is_operator)
    user.set_password(password)
    user.save()
    return user
