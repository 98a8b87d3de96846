from django.db import migrations, models


class Migration(migrations.Migration):
    """Two fields get names that say what they hold; the columns, which 0.1.0 and SQL functions use, keep theirs."""

    dependencies = [("inference", "0009_quantity")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField(model_name="prediction", old_name="not_billed", new_name="not_billed_reason"),
                migrations.AlterField(
                    model_name="prediction",
                    name="not_billed_reason",
                    field=models.TextField(db_column="not_billed", db_default=""),
                ),
                migrations.RenameField(model_name="prediction", old_name="waiter", new_name="reply_channel"),
                migrations.AlterField(
                    model_name="prediction",
                    name="reply_channel",
                    field=models.CharField(db_column="waiter", max_length=60, null=True),
                ),
            ],
        ),
    ]
