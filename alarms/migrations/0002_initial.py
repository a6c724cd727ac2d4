import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('alarms', '0001_initial'),
        ('devices', '0001_initial'),
        ('sites', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='alarm',
            name='circuit',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='sites.circuit'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='device',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='devices.device', verbose_name='设备'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='gateway',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='devices.gateway', verbose_name='网关'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='room',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='sites.room'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='sites.site', verbose_name='站点'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='transformer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='sites.transformer'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='verified_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='alarmlog',
            name='alarm',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='log', to='alarms.alarm'),
        ),
        migrations.AddField(
            model_name='alarmlog',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pending',
            name='device',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='devices.device'),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'limit'), _negated=True), models.Q(('level__gt', ''), ('reset__isnull', False), ('threshold__isnull', False)), _connector='OR'), name='limit_rule_is_complete', violation_error_message='越限规则须填写级别、限值和返回值。'),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'limit'), _negated=True), models.Q(('level__in', ['h', 'hh']), ('reset__lte', models.F('threshold'))), models.Q(('level__in', ['l', 'll']), ('reset__gte', models.F('threshold'))), _connector='OR'), name='reset_lies_inside', violation_error_message='返回值必须在限值的正常一侧。'),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'digital'), _negated=True), ('to_value__in', [0, 1]), _connector='OR'), name='digital_rule_has_value', violation_error_message='状态变位规则须填写变位后的值 0 或 1。'),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.CheckConstraint(condition=models.Q(('delay_s__gte', 0), ('reset_delay_s__gte', 0)), name='rule_delays_positive'),
        ),
        migrations.AddField(
            model_name='pending',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='alarms.rule'),
        ),
        migrations.AddField(
            model_name='alarm',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alarms', to='alarms.rule', verbose_name='规则'),
        ),
        migrations.AddField(
            model_name='ruleoverride',
            name='device',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rule_overrides', to='devices.device', verbose_name='设备'),
        ),
        migrations.AddField(
            model_name='ruleoverride',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='overrides', to='alarms.rule', verbose_name='规则'),
        ),
        migrations.AddField(
            model_name='ruleoverride',
            name='site',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rule_overrides', to='sites.site', verbose_name='站点'),
        ),
        migrations.AddIndex(
            model_name='alarmlog',
            index=models.Index(fields=['alarm', 'at'], name='alarm_log_of'),
        ),
        migrations.AddConstraint(
            model_name='alarmlog',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entry__in', ['comment', 'notice']), ('move', '')), models.Q(('entry', 'handling'), ('move', 'raise'), ('source', ''), ('target', 'unverified')), models.Q(('entry', 'handling'), models.Q(models.Q(('move', 'verify'), ('source', 'unverified'), ('target', 'verified')), models.Q(('move', 'ignore'), ('source', 'unverified'), ('target', 'ignored')), models.Q(('move', 'ignore'), ('source', 'verified'), ('target', 'ignored')), models.Q(('move', 'create_order'), ('source', 'verified'), ('target', 'in_order')), models.Q(('move', 'archive'), ('source', 'verified'), ('target', 'archived')), models.Q(('move', 'order_cancelled'), ('source', 'in_order'), ('target', 'verified')), models.Q(('move', 'archive'), ('source', 'in_order'), ('target', 'archived')), models.Q(('move', 'unignore'), ('source', 'ignored'), ('target', 'unverified')), models.Q(('move', 'verify'), ('source', 'ignored'), ('target', 'verified')), models.Q(('move', 'archive'), ('source', 'ignored'), ('target', 'archived')), _connector='OR')), models.Q(('entry', 'condition'), models.Q(models.Q(('move', 'recover'), ('source', 'active'), ('target', 'recovered')), models.Q(('move', 'recur'), ('source', 'recovered'), ('target', 'active')), _connector='OR')), _connector='OR'), name='alarm_log_follows_table'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alarmlog',
            trigger=pgtrigger.compiler.Trigger(name='alarm_log_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8fca9b89e241b40a8163d77be0deaacbe0ff8970', operation='UPDATE OR DELETE', pgid='pgtrigger_alarm_log_append_only_5d6ad', table='alarms_alarmlog', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='pending',
            constraint=models.UniqueConstraint(fields=('rule', 'device', 'point_code'), name='one_pending_condition'),
        ),
        migrations.AddIndex(
            model_name='alarm',
            index=models.Index(condition=models.Q(('handling', 'archived'), _negated=True), fields=['severity_rank', '-last_raised_at', '-id'], name='alarm_open_order'),
        ),
        migrations.AddIndex(
            model_name='alarm',
            index=models.Index(fields=['site', '-last_raised_at'], name='alarm_site_time'),
        ),
        migrations.AddIndex(
            model_name='alarm',
            index=models.Index(fields=['-last_raised_at'], name='alarm_time'),
        ),
        migrations.AddIndex(
            model_name='alarm',
            index=models.Index(condition=models.Q(('handling', 'ignored')), fields=['ignored_until'], name='alarm_ignored_due'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.UniqueConstraint(condition=models.Q(('handling', 'archived'), _negated=True), fields=('scope_kind', 'scope_id', 'point_code', 'rule'), name='one_open_alarm'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('handling', 'archived'), _negated=True), ('condition', 'recovered'), _connector='OR'), name='archived_only_when_recovered'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('handling', 'ignored'), ('ignored_until__isnull', False)), models.Q(models.Q(('handling', 'ignored'), _negated=True), ('ignored_until__isnull', True)), _connector='OR'), name='ignored_has_an_end'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('handling__in', ['verified', 'in_order']), _negated=True), ('verdict__gt', ''), _connector='OR'), name='verified_has_verdict'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.CheckConstraint(condition=models.Q(('condition__in', ['active', 'recovered']), ('handling__in', ['unverified', 'verified', 'in_order', 'ignored', 'archived'])), name='alarm_states_known'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.CheckConstraint(condition=models.Q(('site__isnull', False), ('device__isnull', False), _connector='XOR'), name='override_of_site_or_device', violation_error_message='请填写站点或设备其中之一。'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.UniqueConstraint(fields=('rule', 'site'), name='override_per_site', violation_error_message='该站点已覆盖此规则。'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.UniqueConstraint(fields=('rule', 'device'), name='override_per_device', violation_error_message='该设备已覆盖此规则。'),
        ),
    ]
