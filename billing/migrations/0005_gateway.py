from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "sql" / "0005_gateway.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_payments"), ("core", "0001_initial")]
    operations = [migrations.RunSQL(SQL)]
