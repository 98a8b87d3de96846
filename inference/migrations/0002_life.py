from django.db import migrations

# Every prediction is updated twice or more and passes through two partial indexes: keep room and statistics.
STORAGE = """
ALTER TABLE inference_prediction SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE core_outboxevent SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inference", "0001_initial"),
        ("core", "0001_initial"),
        ("accounts", "0002_key_valid"),
        ("billing", "0002_ledger"),
        ("providers", "0002_version_callable"),
    ]
    operations = [migrations.RunSQL(STORAGE)]
