"""People's accounts that a command of the installation makes; visitors sign up through allauth."""

from django.db import transaction

from marketplace.accounts.models import User


@transaction.atomic
def ensure_person(*, email: str, password: str, is_operator: bool = False) -> User:
    """Create an account with this password, or give an existing one the password.

    Args:
        is_operator: of a new account; an existing one keeps what it is.
    """
    user = User.objects.select_for_update().filter(email=email).first() or User(email=email, is_operator=is_operator)
    user.set_password(password)
    user.save()
    return user
