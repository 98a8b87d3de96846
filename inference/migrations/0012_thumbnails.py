from django.db import migrations, models
from django.db.models.functions import Now

# Pictures that exist already are queued; the platform worker takes them in portions, examples first.
QUEUE = """
INSERT INTO inference_thumbnails(source, due_at)
SELECT sha256, max(due_at) FROM (
  SELECT sha256, media_type, size, width, height, now() AS due_at FROM inference_example
  UNION ALL
  SELECT sha256, media_type, size, width, height, now() - interval '1 day' FROM inference_artifact) AS stored
WHERE media_type IN ('image/png', 'image/jpeg', 'image/webp') AND NOT (greatest(width, height) <= 256 AND size <= 16384)
GROUP BY sha256
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("inference", "0011_statistics")]
    operations = [
        migrations.CreateModel(
            name="Thumbnails",
            fields=[
                ("source", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("made", models.JSONField(db_default={})),
                ("due_at", models.DateTimeField(db_default=Now(), null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                ("error", models.TextField(db_default="")),
            ],
            options={
                "indexes": [
                    models.Index("due_at", condition=models.Q(("due_at__isnull", False)), name="thumbnails_due"),
                ],
            },
        ),
        migrations.RunSQL(QUEUE, migrations.RunSQL.noop),
    ]
