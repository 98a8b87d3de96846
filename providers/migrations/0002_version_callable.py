from django.db import migrations


class Migration(migrations.Migration):
    """Made a SQL function, which is applied from providers/sql/ now; kept because databases have it on record."""

    dependencies = [("providers", "0001_initial")]
