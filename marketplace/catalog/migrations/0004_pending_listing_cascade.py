from django.db import migrations

# Deletes a version's pending listing with the version, when SQL deletes its model (providers_delete_model).
SQL = """
DO $$
DECLARE found name;
BEGIN
  SELECT conname INTO STRICT found FROM pg_constraint
  WHERE contype = 'f' AND confrelid = 'providers_modelversion'::regclass
    AND conrelid = 'catalog_pendinglisting'::regclass;
  EXECUTE format('ALTER TABLE catalog_pendinglisting DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY (version_id) '
                 'REFERENCES providers_modelversion(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED', found, found);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_pending_listing")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
