import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The model is called UnitVerdict now; its table, which SQL functions write, keeps its name."""

    dependencies = [("billing", "0005_gateway")]
    operations = [
        migrations.AlterModelTable(name="signal", table="billing_signal"),
        migrations.RenameModel(old_name="Signal", new_name="UnitVerdict"),
        migrations.AlterField(
            model_name="unitverdict",
            name="outcome",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="verdicts",
                to="billing.outcome",
            ),
        ),
    ]
