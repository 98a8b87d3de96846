import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_usage_hours'),
    ]

    operations = [
        migrations.CreateModel(
            name='Proof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.TextField(choices=[('requested', 'requested'), ('running', 'running'), ('sound', 'sound'), ('unsound', 'unsound'), ('interrupted', 'interrupted')], default='requested')),
                ('is_full', models.BooleanField(default=False)),
                ('after', models.BigIntegerField(default=0)),
                ('through', models.BigIntegerField(default=0)),
                ('marked', models.BigIntegerField(default=0)),
                ('marked_xid', models.BigIntegerField(default=0)),
                ('entries', models.BigIntegerField(default=0)),
                ('checked', models.PositiveSmallIntegerField(default=0)),
                ('findings', models.JSONField(default=list)),
                ('totals', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('started_at', models.DateTimeField(null=True)),
                ('seconds', models.FloatField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'requested')), fields=('state',), name='proof_requested_once')],
            },
        ),
        migrations.CreateModel(
            name='ProvenBalance',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='billing.account')),
                ('posted', models.BigIntegerField()),
            ],
        ),
    ]
