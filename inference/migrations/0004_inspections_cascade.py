from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0004_inspections_cascade.sql"


class Migration(migrations.Migration):
    dependencies = [("inference", "0003_inspections")]
    operations = [migrations.RunSQL(SQL.read_text(), migrations.RunSQL.noop)]
