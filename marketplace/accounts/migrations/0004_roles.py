import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

ROLES = ("owner", "admin", "developer", "reviewer", "billing", "auditor")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_names")]
    operations = [
        migrations.AlterField(
            "membership",
            "role",
            models.CharField(max_length=20, choices=[(role, role) for role in ROLES]),
        ),
        migrations.RunSQL(
            "UPDATE accounts_membership SET role = 'developer' WHERE role = 'member'",
            "UPDATE accounts_membership SET role = 'member' WHERE role <> 'owner'",
        ),
        # A database default, so that processes of the previous release can still create keys.
        migrations.AddField(
            "apikey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                size=None,
                db_default=["read", "run", "aliases", "publish", "delete", "review"],
            ),
        ),
        migrations.AddField(
            "auditevent",
            "api_key",
            models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="accounts.apikey"),
        ),
    ]
