from django.db import migrations

DATA = """
-- Versions from before there were steps had passed all checks, or they would not exist.
UPDATE providers_modelversion v
  SET state = 'passed', card = m.card, description = m.description, license = m.license
  FROM providers_generativemodel m WHERE m.id = v.model_id;

-- An organisation that published a file had uploaded it.
INSERT INTO providers_namespaceblob(organization_id, blob_id)
  SELECT DISTINCT m.organization_id, f.blob_id
  FROM providers_versionfile f
  JOIN providers_modelversion v ON v.id = f.version_id
  JOIN providers_generativemodel m ON m.id = v.model_id
  ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_repositories")]
    operations = [migrations.RunSQL(DATA, migrations.RunSQL.noop)]
