from django.db import migrations


class Migration(migrations.Migration):
    """Empty: its SQL function is now applied from accounts/sql/. Kept because databases have recorded it."""

    dependencies = [("accounts", "0001_initial")]
