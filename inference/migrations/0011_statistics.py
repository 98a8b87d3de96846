from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

SQL = Path(__file__).parent / "sql" / "0011_statistics_cascade.sql"


class Migration(migrations.Migration):
    dependencies = [("inference", "0010_plain_names"), ("providers", "0006_hub")]
    operations = [
        migrations.CreateModel(
            name="MarketTotals",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("predictions", models.BigIntegerField()),
                ("artifacts", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(id=1), name="market_totals_one_row")],
            },
        ),
        migrations.CreateModel(
            name="ModelHour",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hour", "model", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("succeeded", models.PositiveIntegerField()),
                ("failed", models.PositiveIntegerField()),
                ("canceled", models.PositiveIntegerField()),
                ("artifacts", models.PositiveIntegerField()),
                ("run_buckets", django.contrib.postgres.fields.ArrayField(models.SmallIntegerField(), size=None)),
                ("run_counts", django.contrib.postgres.fields.ArrayField(models.IntegerField(), size=None)),
                ("queue_buckets", django.contrib.postgres.fields.ArrayField(models.SmallIntegerField(), size=None)),
                ("queue_counts", django.contrib.postgres.fields.ArrayField(models.IntegerField(), size=None)),
                ("recent_seconds", django.contrib.postgres.fields.ArrayField(models.FloatField(), size=None)),
                (
                    "model",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.generativemodel",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["model", "hour"], include=["succeeded", "artifacts"], name="modelhour_by_model")
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelStats",
            fields=[
                (
                    "model",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="providers.generativemodel",
                    ),
                ),
                ("runs", models.BigIntegerField(default=0)),
                ("artifacts", models.BigIntegerField(default=0)),
                ("ended", models.BigIntegerField(default=0)),
                ("success_rate", models.FloatField(null=True)),
                ("p50_run_seconds", models.FloatField(null=True)),
                ("p95_run_seconds", models.FloatField(null=True)),
                ("p50_queue_seconds", models.FloatField(null=True)),
                ("p95_queue_seconds", models.FloatField(null=True)),
                (
                    "recent_seconds",
                    django.contrib.postgres.fields.ArrayField(models.FloatField(), default=list, size=None),
                ),
                ("oldest_hour", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(db_default=Now())),
            ],
            options={"indexes": [models.Index(models.F("oldest_hour"), name="modelstats_by_age")]},
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("completed_at"),
                condition=models.Q(("completed_at__isnull", False)),
                name="prediction_by_completion",
            ),
        ),
        migrations.RunSQL(SQL.read_text(), migrations.RunSQL.noop),
    ]
