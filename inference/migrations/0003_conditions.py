import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_key_valid'),
        ('inference', '0002_life'),
    ]

    operations = [
        migrations.AddField(
            model_name='prediction',
            name='max_price',
            field=models.BigIntegerField(null=True),
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('request_hash', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('prediction', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inference.prediction')),
            ],
            options={
                'indexes': [models.Index(models.F('created_at'), name='idempotency_by_age')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'key'), name='idempotency_key_once')],
            },
        ),
    ]
