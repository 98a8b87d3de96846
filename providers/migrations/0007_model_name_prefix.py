import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0006_hub'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='generativemodel',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Lower('name'), name='text_pattern_ops'), name='model_name_prefix'),
        ),
    ]
