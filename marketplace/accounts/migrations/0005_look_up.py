from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_roles'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(models.F('subject'), models.OrderBy(models.F('at'), descending=True), name='audit_by_subject'),
        ),
        migrations.AddIndex(
            model_name='organization',
            index=models.Index(fields=['slug'], name='organization_slug_prefix', opclasses=['varchar_pattern_ops']),
        ),
    ]
