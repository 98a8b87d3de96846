from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0002_life.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0001_initial"),
        ("core", "0001_initial"),
        ("accounts", "0002_key_valid"),
        ("billing", "0002_ledger"),
        ("providers", "0002_version_callable"),
    ]
    operations = [migrations.RunSQL(SQL)]
