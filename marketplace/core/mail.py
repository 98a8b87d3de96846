"""Mail without a mail server: messages are stored for the operator's inbox page."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from marketplace.core.models import InboxMessage


class InboxBackend(BaseEmailBackend):
    """Django e-mail backend that stores messages in the database."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the messages and return their number."""
        InboxMessage.objects.bulk_create(
            InboxMessage(
                recipients=", ".join(message.recipients()), subject=str(message.subject), body=str(message.body)
            )
            for message in email_messages
        )
        return len(email_messages)
