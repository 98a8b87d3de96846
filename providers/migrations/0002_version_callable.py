from django.db import migrations

FUNCTION = """
-- Whether a version takes new calls; admission asks in the same statement that holds the money.
CREATE FUNCTION providers_version_callable(p_version text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM providers_modelversion WHERE id = p_version AND withdrawn_at IS NULL)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION providers_version_callable(text)")]
