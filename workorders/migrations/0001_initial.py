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
        migrations.CreateModel(
            name='WorkOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=24, unique=True, verbose_name='编号')),
                ('kind', models.CharField(choices=[('repair', '抢修'), ('defect', '消缺'), ('inspection', '巡检'), ('test', '试验'), ('other', '其他')], max_length=12, verbose_name='类型')),
                ('priority', models.CharField(choices=[('urgent', '特急'), ('high', '高'), ('normal', '中'), ('low', '低')], max_length=8, verbose_name='优先级')),
                ('title', models.CharField(max_length=160, verbose_name='标题')),
                ('description', models.TextField(blank=True, verbose_name='描述')),
                ('state', models.CharField(choices=[('new', '待受理'), ('assigned', '已派单'), ('in_progress', '处理中'), ('on_hold', '挂起'), ('to_accept', '待验收'), ('closed', '已关闭'), ('cancelled', '已取消')], max_length=12, verbose_name='状态')),
                ('due_at', models.DateTimeField(verbose_name='要求完成时间')),
                ('finding', models.TextField(blank=True, verbose_name='现场情况')),
                ('measures', models.TextField(blank=True, verbose_name='处理措施')),
                ('created_at', models.DateTimeField(db_index=True, verbose_name='创建时间')),
                ('started_at', models.DateTimeField(null=True, verbose_name='开始处理时间')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='提交验收时间')),
                ('closed_at', models.DateTimeField(null=True, verbose_name='关闭时间')),
                ('updated_at', models.DateTimeField(db_index=True, verbose_name='更新时间')),
                ('alarm', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='alarms.alarm', verbose_name='告警')),
                ('assignee', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to=settings.AUTH_USER_MODEL, verbose_name='处理人')),
                ('circuit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='sites.circuit', verbose_name='回路')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='创建人')),
                ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='orders', to='devices.device', verbose_name='设备')),
                ('room', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='sites.room', verbose_name='配电室')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='sites.site', verbose_name='站点')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='orders', to='sites.team', verbose_name='班组')),
            ],
            options={
                'verbose_name': '工单',
                'verbose_name_plural': '工单',
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Photo',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('image', models.ImageField(height_field='height_px', upload_to='orders/%Y/%m/', verbose_name='照片', width_field='width_px')),
                ('thumbnail', models.ImageField(upload_to='orders/%Y/%m/', verbose_name='缩略图')),
                ('width_px', models.PositiveIntegerField(editable=False)),
                ('height_px', models.PositiveIntegerField(editable=False)),
                ('caption', models.CharField(blank=True, max_length=160, verbose_name='说明')),
                ('at', models.DateTimeField(verbose_name='上传时间')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='photos', to='workorders.workorder')),
            ],
            options={
                'verbose_name': '照片',
                'verbose_name_plural': '照片',
                'ordering': ['at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='WorkOrderLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('entry', models.CharField(choices=[('created', '创建'), ('move', '流转'), ('note', '备注'), ('photo', '照片'), ('edit', '修改')], max_length=8, verbose_name='类型')),
                ('move', models.CharField(blank=True, choices=[('assign', '派单'), ('start', '开始处理'), ('hold', '挂起'), ('resume', '恢复处理'), ('finish', '提交验收'), ('accept', '验收通过'), ('send_back', '退回'), ('cancel', '取消')], max_length=12, verbose_name='动作')),
                ('source', models.CharField(blank=True, max_length=12)),
                ('target', models.CharField(blank=True, max_length=12)),
                ('door', models.CharField(choices=[('system', '系统'), ('web', '网页'), ('api', '接口')], default='system', max_length=8, verbose_name='来源')),
                ('note', models.TextField(blank=True, verbose_name='说明')),
                ('facts', models.JSONField(default=dict, verbose_name='数据')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='log', to='workorders.workorder')),
            ],
            options={
                'verbose_name': '工单记录',
                'verbose_name_plural': '工单记录',
                'ordering': ['at', 'id'],
            },
        ),
        migrations.AddIndex(
            model_name='workorder',
            index=models.Index(fields=['site', 'state'], name='order_site_state'),
        ),
        migrations.AddIndex(
            model_name='workorder',
            index=models.Index(fields=['assignee', 'state'], name='order_assignee_state'),
        ),
        migrations.AddIndex(
            model_name='workorder',
            index=models.Index(condition=models.Q(('state__in', ('new', 'assigned', 'in_progress', 'on_hold', 'to_accept'))), fields=['due_at'], name='order_open_due'),
        ),
        migrations.AddConstraint(
            model_name='workorder',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('new', 'assigned', 'in_progress', 'on_hold', 'to_accept'))), fields=('alarm',), name='one_open_order_per_alarm', violation_error_message='该告警已有未关闭的工单。'),
        ),
        migrations.AddConstraint(
            model_name='workorder',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['new', 'cancelled']), ('assignee__isnull', False), _connector='OR'), name='assigned_has_assignee'),
        ),
        migrations.AddConstraint(
            model_name='workorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['to_accept', 'closed']), _negated=True), models.Q(('finding__gt', ''), ('measures__gt', '')), _connector='OR'), name='handed_over_with_result'),
        ),
        migrations.AddConstraint(
            model_name='workorder',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['new', 'assigned', 'in_progress', 'on_hold', 'to_accept', 'closed', 'cancelled'])), name='order_state_known'),
        ),
        migrations.AddIndex(
            model_name='workorderlog',
            index=models.Index(fields=['order', 'at'], name='order_log_of'),
        ),
        migrations.AddConstraint(
            model_name='workorderlog',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('entry', 'move'), _negated=True), ('move', '')), models.Q(('entry', 'move'), models.Q(models.Q(('move', 'assign'), ('source', 'new'), ('target', 'assigned')), models.Q(('move', 'cancel'), ('source', 'new'), ('target', 'cancelled')), models.Q(('move', 'assign'), ('source', 'assigned'), ('target', 'assigned')), models.Q(('move', 'start'), ('source', 'assigned'), ('target', 'in_progress')), models.Q(('move', 'send_back'), ('source', 'assigned'), ('target', 'new')), models.Q(('move', 'cancel'), ('source', 'assigned'), ('target', 'cancelled')), models.Q(('move', 'hold'), ('source', 'in_progress'), ('target', 'on_hold')), models.Q(('move', 'finish'), ('source', 'in_progress'), ('target', 'to_accept')), models.Q(('move', 'cancel'), ('source', 'in_progress'), ('target', 'cancelled')), models.Q(('move', 'resume'), ('source', 'on_hold'), ('target', 'in_progress')), models.Q(('move', 'cancel'), ('source', 'on_hold'), ('target', 'cancelled')), models.Q(('move', 'accept'), ('source', 'to_accept'), ('target', 'closed')), models.Q(('move', 'send_back'), ('source', 'to_accept'), ('target', 'in_progress')), _connector='OR')), _connector='OR'), name='order_log_follows_table'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='workorderlog',
            trigger=pgtrigger.compiler.Trigger(name='order_log_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='cea5c9cb9ce6418395f9c03663835d2481e1a50f', operation='UPDATE OR DELETE', pgid='pgtrigger_order_log_append_only_25c32', table='workorders_workorderlog', when='BEFORE')),
        ),
    ]
