import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_quantities")]
    operations = [
        migrations.CreateModel(
            name="UsageHour",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hour",
                        "payee",
                        "sku",
                        "unit",
                        "currency",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("payee", models.TextField()),
                ("sku", models.TextField()),
                ("unit", models.TextField()),
                ("currency", models.CharField(max_length=3)),
                ("calls", models.BigIntegerField()),
                ("quantity", models.BigIntegerField()),
                ("gross", models.BigIntegerField()),
                ("fees", models.BigIntegerField()),
            ],
            options={"indexes": [models.Index(models.F("payee"), models.F("hour"), name="usagehour_by_payee")]},
        ),
        migrations.AddIndex(
            model_name="usagerecord",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="usage_by_time", pages_per_range=16
            ),
        ),
    ]
