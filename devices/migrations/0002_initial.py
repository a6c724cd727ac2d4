import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('devices', '0001_initial'),
        ('sites', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='device',
            name='circuit',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='devices', to='sites.circuit', verbose_name='回路'),
        ),
        migrations.AddField(
            model_name='device',
            name='room',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='sites.room', verbose_name='配电室'),
        ),
        migrations.AddField(
            model_name='device',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='sites.site', verbose_name='站点'),
        ),
        migrations.AddField(
            model_name='gateway',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='gateways', to='sites.site', verbose_name='站点'),
        ),
        migrations.AddField(
            model_name='bus',
            name='gateway',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='buses', to='devices.gateway', verbose_name='网关'),
        ),
        migrations.AddField(
            model_name='linkevent',
            name='device',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='link_events', to='devices.device'),
        ),
        migrations.AddField(
            model_name='linkevent',
            name='gateway',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='link_events', to='devices.gateway'),
        ),
        migrations.AddField(
            model_name='linkevent',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='link_events', to='sites.site'),
        ),
        migrations.AddField(
            model_name='meter',
            name='device',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='meters', to='devices.device', verbose_name='设备'),
        ),
        migrations.AddField(
            model_name='pointoverride',
            name='device',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='overrides', to='devices.device', verbose_name='设备'),
        ),
        migrations.AddField(
            model_name='pointoverride',
            name='point',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='devices.pointcode', verbose_name='测点'),
        ),
        migrations.AddField(
            model_name='ratio',
            name='device',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ratios', to='devices.device', verbose_name='设备'),
        ),
        migrations.AddField(
            model_name='register',
            name='point',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='devices.pointcode', verbose_name='测点'),
        ),
        migrations.AddField(
            model_name='templateversion',
            name='layout',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='devices.layout', verbose_name='数据布局'),
        ),
        migrations.AddField(
            model_name='templateversion',
            name='template',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='devices.devicetemplate', verbose_name='设备模板'),
        ),
        migrations.AddField(
            model_name='register',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='registers', to='devices.templateversion', verbose_name='模板版本'),
        ),
        migrations.AddField(
            model_name='device',
            name='template_version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='devices.templateversion', verbose_name='模板版本'),
        ),
        migrations.AddConstraint(
            model_name='gateway',
            constraint=models.UniqueConstraint(fields=('site', 'name'), name='gateway_name_per_site', violation_error_message='该站点已有同名网关。'),
        ),
        migrations.AddConstraint(
            model_name='bus',
            constraint=models.UniqueConstraint(fields=('gateway', 'number'), name='bus_number_per_gateway', violation_error_message='该网关已有相同总线号。'),
        ),
        migrations.AddIndex(
            model_name='linkevent',
            index=models.Index(fields=['site', '-at'], name='link_event_site_at'),
        ),
        migrations.AddConstraint(
            model_name='linkevent',
            constraint=models.CheckConstraint(condition=models.Q(('gateway__isnull', False), ('device__isnull', False), _connector='XOR'), name='link_event_of_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='meter',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('device',), name='one_meter_in_place', violation_error_message='该设备已有在装表计。'),
        ),
        migrations.AddConstraint(
            model_name='pointoverride',
            constraint=models.UniqueConstraint(fields=('device', 'point'), name='override_per_point'),
        ),
        migrations.AddConstraint(
            model_name='ratio',
            constraint=models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('device',), name='one_ratio_in_force', violation_error_message='该设备已有生效中的变比。'),
        ),
        migrations.AddConstraint(
            model_name='ratio',
            constraint=models.CheckConstraint(condition=models.Q(('ct__gt', 0), ('pt__gt', 0)), name='ratio_positive'),
        ),
        migrations.AddConstraint(
            model_name='templateversion',
            constraint=models.UniqueConstraint(fields=('template', 'number'), name='template_version_number'),
        ),
        migrations.AddConstraint(
            model_name='register',
            constraint=models.UniqueConstraint(fields=('version', 'point'), name='register_point_per_version'),
        ),
        migrations.AddConstraint(
            model_name='register',
            constraint=models.CheckConstraint(condition=models.Q(('function_code__range', (1, 4))), name='register_function_code'),
        ),
        migrations.AddConstraint(
            model_name='register',
            constraint=models.CheckConstraint(condition=models.Q(('address__lte', 65535)), name='register_address_range'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(fields=('bus', 'unit_id'), name='unit_address_per_bus', violation_error_message='该总线上已有设备使用此通信地址。'),
        ),
    ]
