from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0004_repositories.sql"
REVERSE = """
DROP FUNCTION providers_delete_model(uuid);
CREATE OR REPLACE FUNCTION providers_version_callable(p_version text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM providers_modelversion WHERE id = p_version AND withdrawn_at IS NULL)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_repositories")]
    operations = [migrations.RunSQL(SQL.read_text(), REVERSE)]
