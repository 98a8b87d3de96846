import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import marketplace.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_ledger'),
        ('core', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='OutcomeContract',
            fields=[
                ('id', models.UUIDField(default=marketplace.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('buyer', models.TextField()),
                ('signed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_for', models.TextField(db_default='')),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Outcome',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('source', models.TextField()),
                ('label', models.TextField()),
                ('state', models.TextField(choices=[('authorized', 'authorized'), ('observing', 'observing'), ('settled', 'settled'), ('not_met', 'not_met'), ('expired', 'expired'), ('voided', 'voided')])),
                ('quantity', models.PositiveIntegerField()),
                ('delivered', models.PositiveIntegerField(null=True)),
                ('accepted', models.PositiveIntegerField(default=0)),
                ('rejected', models.PositiveIntegerField(default=0)),
                ('amount', models.BigIntegerField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('observed_at', models.DateTimeField(null=True)),
                ('review_until', models.DateTimeField(null=True)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('contract', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='outcomes', to='billing.outcomecontract')),
            ],
        ),
        migrations.CreateModel(
            name='OutcomeOffer',
            fields=[
                ('id', models.UUIDField(default=marketplace.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('provider', models.TextField()),
                ('buyer', models.TextField()),
                ('subject', models.TextField()),
                ('label', models.TextField()),
                ('version', models.PositiveIntegerField()),
                ('review_hours', models.PositiveIntegerField()),
                ('most_unreviewed', models.PositiveIntegerField(null=True)),
                ('note', models.TextField()),
                ('document', models.TextField()),
                ('hash', models.CharField(max_length=64, unique=True)),
                ('signed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_for', models.TextField(db_default='')),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('price', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to='billing.price')),
                ('signed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('supersedes', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='superseded_by', to='billing.outcomeoffer')),
            ],
        ),
        migrations.AddField(
            model_name='outcomecontract',
            name='offer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contracts', to='billing.outcomeoffer'),
        ),
        migrations.CreateModel(
            name='Signal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('unit', models.PositiveSmallIntegerField()),
                ('verdict', models.TextField(choices=[('accepted', 'accepted'), ('rejected', 'rejected')])),
                ('reporter', models.TextField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('outcome', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='signals', to='billing.outcome')),
            ],
        ),
        migrations.AddIndex(
            model_name='outcome',
            index=models.Index(models.F('contract'), models.OrderBy(models.F('id'), descending=True), name='outcome_by_contract'),
        ),
        migrations.AddIndex(
            model_name='outcome',
            index=models.Index(models.F('contract'), condition=models.Q(('state__in', ['authorized', 'observing'])), name='outcome_undecided'),
        ),
        migrations.AddIndex(
            model_name='outcome',
            index=models.Index(models.F('review_until'), condition=models.Q(('state', 'observing')), name='outcome_observed'),
        ),
        migrations.AddConstraint(
            model_name='outcome',
            constraint=models.CheckConstraint(condition=models.Q(('delivered', None), ('delivered__lte', models.F('quantity')), _connector='OR'), name='outcome_delivers_at_most_what_is_held'),
        ),
        migrations.AddConstraint(
            model_name='outcome',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('accepted', 0), ('rejected', 0)), ('delivered__gte', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected'))), _connector='OR'), name='outcome_decides_at_most_what_was_delivered'),
        ),
        migrations.AddIndex(
            model_name='outcomeoffer',
            index=models.Index(models.F('provider'), models.OrderBy(models.F('id'), descending=True), name='offer_by_provider'),
        ),
        migrations.AddIndex(
            model_name='outcomecontract',
            index=models.Index(models.F('buyer'), models.OrderBy(models.F('id'), descending=True), name='contract_by_buyer'),
        ),
        migrations.AddConstraint(
            model_name='outcomecontract',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('offer', 'buyer'), name='contract_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.UniqueConstraint(fields=('outcome', 'unit'), name='signal_once'),
        ),
        migrations.AddConstraint(
            model_name='signal',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['accepted', 'rejected'])), name='signal_is_a_verdict'),
        ),
    ]
