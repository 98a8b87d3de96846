from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0008_inspections_cascade.sql"


class Migration(migrations.Migration):
    dependencies = [("inference", "0007_inspections")]
    operations = [migrations.RunSQL(SQL.read_text(), migrations.RunSQL.noop)]
