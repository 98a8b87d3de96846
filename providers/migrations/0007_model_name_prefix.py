from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0006_hub'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='generativemodel',
            index=models.Index(fields=['name'], name='model_name_prefix', opclasses=['varchar_pattern_ops']),
        ),
    ]
