from django.db import migrations


class Migration(migrations.Migration):
    """Made a SQL function, which is applied from accounts/sql/ now; kept because databases have it on record."""

    dependencies = [("accounts", "0001_initial")]
