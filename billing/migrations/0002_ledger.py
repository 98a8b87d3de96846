from django.db import migrations

# Rows that change with every prediction: room for updates in place, and statistics that keep up. Without them the
# planner takes a full table for an empty one and reads all of it for each settlement.
STORAGE = """
ALTER TABLE billing_account SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
ALTER TABLE billing_hold SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE billing_entry SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE billing_transaction SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(STORAGE)]
