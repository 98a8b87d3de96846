from django.db import migrations


class Migration(migrations.Migration):
    """Made SQL functions, which are applied from billing/sql/ now; kept because databases have it on record."""

    dependencies = [("billing", "0004_payments"), ("core", "0001_initial")]
