import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=24, unique=True, verbose_name='编号')),
                ('severity', models.CharField(choices=[('critical', '紧急'), ('major', '重要'), ('minor', '一般'), ('info', '提示')], max_length=10, verbose_name='级别')),
                ('severity_rank', models.PositiveSmallIntegerField(editable=False, verbose_name='级别序')),
                ('scope_kind', models.CharField(choices=[('device', '设备'), ('gateway', '网关'), ('site', '站点')], max_length=8, verbose_name='对象类型')),
                ('scope_id', models.BigIntegerField(verbose_name='对象')),
                ('point_code', models.CharField(blank=True, default='', max_length=24, verbose_name='测点')),
                ('value', models.FloatField(null=True, verbose_name='触发值')),
                ('limit', models.FloatField(null=True, verbose_name='限值')),
                ('unit', models.CharField(blank=True, max_length=12, verbose_name='单位')),
                ('peak', models.FloatField(null=True, verbose_name='极值')),
                ('peak_at', models.DateTimeField(null=True, verbose_name='极值时间')),
                ('raised_at', models.DateTimeField(verbose_name='首次触发')),
                ('last_raised_at', models.DateTimeField(verbose_name='最近触发')),
                ('recovered_at', models.DateTimeField(null=True, verbose_name='恢复时间')),
                ('recurrences', models.PositiveIntegerField(default=0, verbose_name='再次触发次数')),
                ('condition', models.CharField(choices=[('active', '活动'), ('recovered', '已恢复')], max_length=10, verbose_name='工况')),
                ('handling', models.CharField(choices=[('unverified', '待查核'), ('verified', '已查核'), ('in_order', '已转工单'), ('ignored', '已忽略'), ('archived', '已归档')], max_length=12, verbose_name='处理状态')),
                ('verdict', models.CharField(blank=True, choices=[('real', '属实'), ('false', '误报'), ('test', '试验'), ('maintenance', '检修')], max_length=12, verbose_name='查核结论')),
                ('cause', models.CharField(blank=True, max_length=200, verbose_name='查核原因')),
                ('verified_at', models.DateTimeField(null=True, verbose_name='查核时间')),
                ('ignored_until', models.DateTimeField(null=True, verbose_name='忽略至')),
                ('archived_at', models.DateTimeField(null=True, verbose_name='归档时间')),
                ('is_simulated', models.BooleanField(default=False, verbose_name='模拟')),
                ('created_at', models.DateTimeField(verbose_name='登记时间')),
                ('updated_at', models.DateTimeField(db_index=True, verbose_name='更新时间')),
            ],
            options={
                'verbose_name': '告警',
                'verbose_name_plural': '告警',
                'ordering': ['severity_rank', '-last_raised_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='AlarmLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('entry', models.CharField(choices=[('handling', '处理'), ('condition', '工况'), ('comment', '备注'), ('notice', '记录')], max_length=10, verbose_name='类型')),
                ('move', models.CharField(blank=True, choices=[('raise', '触发'), ('recover', '恢复'), ('recur', '再次触发'), ('verify', '查核'), ('ignore', '忽略'), ('unignore', '忽略到期'), ('create_order', '创建工单'), ('order_cancelled', '工单取消'), ('archive', '归档')], max_length=20, verbose_name='动作')),
                ('source', models.CharField(blank=True, max_length=12)),
                ('target', models.CharField(blank=True, max_length=12)),
                ('door', models.CharField(choices=[('system', '系统'), ('web', '网页'), ('api', '接口')], default='system', max_length=8, verbose_name='来源')),
                ('note', models.TextField(blank=True, verbose_name='说明')),
                ('facts', models.JSONField(default=dict, verbose_name='数据')),
            ],
            options={
                'verbose_name': '告警记录',
                'verbose_name_plural': '告警记录',
                'ordering': ['at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Pending',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('point_code', models.CharField(max_length=24)),
                ('towards', models.CharField(choices=[('raise', '触发'), ('recover', '恢复')], max_length=8)),
                ('since', models.DateTimeField()),
            ],
            options={
                'verbose_name': '延时中的条件',
                'verbose_name_plural': '延时中的条件',
            },
        ),
        migrations.CreateModel(
            name='Rule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=24, unique=True, verbose_name='标识')),
                ('name', models.CharField(max_length=80, verbose_name='名称')),
                ('name_en', models.CharField(max_length=120, verbose_name='英文名称')),
                ('kind', models.CharField(choices=[('limit', '越限'), ('digital', '状态变位'), ('phase_loss', '断相'), ('link', '通信')], max_length=12, verbose_name='类型')),
                ('level', models.CharField(blank=True, choices=[('hh', '上上限'), ('h', '上限'), ('l', '下限'), ('ll', '下下限')], max_length=2, verbose_name='限值级别')),
                ('point_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=24), blank=True, default=list, size=None, verbose_name='测点')),
                ('severity', models.CharField(choices=[('critical', '紧急'), ('major', '重要'), ('minor', '一般'), ('info', '提示')], max_length=10, verbose_name='级别')),
                ('basis', models.CharField(choices=[('absolute', '绝对值'), ('nominal_voltage', '额定相电压的百分比'), ('rated_current', '额定电流的百分比'), ('rated_power', '变压器额定容量的百分比')], default='absolute', max_length=16, verbose_name='限值基准')),
                ('threshold', models.FloatField(blank=True, null=True, verbose_name='限值')),
                ('reset', models.FloatField(blank=True, null=True, verbose_name='返回值')),
                ('delay_s', models.FloatField(default=0, verbose_name='触发延时 (s)')),
                ('reset_delay_s', models.FloatField(default=0, verbose_name='恢复延时 (s)')),
                ('to_value', models.PositiveSmallIntegerField(blank=True, help_text='仅用于状态变位：0 或 1。', null=True, verbose_name='变位后的值')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='启用')),
                ('cause', models.TextField(blank=True, verbose_name='可能原因')),
                ('cause_en', models.TextField(blank=True, verbose_name='可能原因（英文）')),
                ('advice', models.TextField(blank=True, verbose_name='处置建议')),
                ('advice_en', models.TextField(blank=True, verbose_name='处置建议（英文）')),
                ('source', models.CharField(blank=True, max_length=200, verbose_name='依据')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='更新时间')),
            ],
            options={
                'verbose_name': '告警规则',
                'verbose_name_plural': '告警规则',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='RuleOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('threshold', models.FloatField(blank=True, null=True, verbose_name='限值')),
                ('reset', models.FloatField(blank=True, null=True, verbose_name='返回值')),
                ('delay_s', models.FloatField(blank=True, null=True, verbose_name='触发延时 (s)')),
                ('reset_delay_s', models.FloatField(blank=True, null=True, verbose_name='恢复延时 (s)')),
                ('severity', models.CharField(blank=True, choices=[('critical', '紧急'), ('major', '重要'), ('minor', '一般'), ('info', '提示')], max_length=10, verbose_name='级别')),
                ('is_enabled', models.BooleanField(blank=True, null=True, verbose_name='启用')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='说明')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='更新时间')),
            ],
            options={
                'verbose_name': '规则覆盖',
                'verbose_name_plural': '规则覆盖',
                'ordering': ['rule__key', 'id'],
            },
        ),
    ]
