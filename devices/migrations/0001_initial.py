import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Bus',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(default=1, verbose_name='总线号')),
                ('port', models.PositiveIntegerField(default=502, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)], verbose_name='端口')),
                ('timeout_ms', models.PositiveIntegerField(default=1000, validators=[django.core.validators.MinValueValidator(20)], verbose_name='应答超时 (ms)')),
                ('gap_ms', models.PositiveIntegerField(default=0, verbose_name='帧间隔 (ms)')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='更新时间')),
            ],
            options={
                'verbose_name': '总线',
                'verbose_name_plural': '总线',
                'ordering': ['gateway_id', 'number'],
            },
        ),
        migrations.CreateModel(
            name='DeviceTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True, verbose_name='标识')),
                ('vendor', models.CharField(max_length=80, verbose_name='厂家')),
                ('vendor_en', models.CharField(blank=True, max_length=80, verbose_name='厂家英文名')),
                ('model', models.CharField(max_length=80, verbose_name='型号')),
                ('kind', models.CharField(default='meter', max_length=20, verbose_name='设备类型')),
                ('description', models.TextField(blank=True, verbose_name='说明')),
                ('description_en', models.TextField(blank=True, verbose_name='英文说明')),
                ('source', models.TextField(blank=True, verbose_name='资料来源')),
                ('is_simulated', models.BooleanField(default=False, verbose_name='模拟设备')),
            ],
            options={
                'verbose_name': '设备模板',
                'verbose_name_plural': '设备模板',
                'ordering': ['vendor', 'model'],
            },
        ),
        migrations.CreateModel(
            name='Gateway',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('is_online', models.BooleanField(editable=False, null=True, verbose_name='在线')),
                ('link_changed_at', models.DateTimeField(editable=False, null=True, verbose_name='通信状态变化时间')),
                ('last_seen_at', models.DateTimeField(editable=False, null=True, verbose_name='最后通信')),
                ('link_error', models.CharField(blank=True, editable=False, max_length=40, verbose_name='通信错误')),
                ('serial', models.CharField(blank=True, max_length=60, verbose_name='序列号')),
                ('kind', models.CharField(choices=[('modbus_tcp', 'Modbus TCP')], default='modbus_tcp', max_length=16, verbose_name='类型')),
                ('host', models.CharField(max_length=120, verbose_name='地址')),
                ('shard', models.PositiveSmallIntegerField(db_index=True, default=0, verbose_name='采集分片')),
                ('period_s', models.PositiveIntegerField(default=60, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(86400)], verbose_name='采集周期 (s)')),
                ('offline_after_s', models.PositiveIntegerField(default=600, help_text='至少为三个采集周期。', validators=[django.core.validators.MinValueValidator(5)], verbose_name='判定离线时间 (s)')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='启用')),
                ('is_simulated', models.BooleanField(default=False, verbose_name='模拟')),
            ],
            options={
                'verbose_name': '网关',
                'verbose_name_plural': '网关',
                'ordering': ['site_id', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Layout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(editable=False, max_length=64, unique=True)),
                ('value_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=24), size=None, verbose_name='瞬时量顺序')),
                ('counter_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=24), blank=True, size=None, verbose_name='累计量顺序')),
            ],
            options={
                'verbose_name': '数据布局',
                'verbose_name_plural': '数据布局',
            },
        ),
        migrations.CreateModel(
            name='LinkEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('is_online', models.BooleanField(verbose_name='在线')),
                ('reason', models.CharField(blank=True, max_length=40, verbose_name='原因')),
            ],
            options={
                'verbose_name': '通信事件',
                'verbose_name_plural': '通信事件',
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Meter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('serial', models.CharField(max_length=60, verbose_name='表号')),
                ('installed_at', models.DateTimeField(verbose_name='安装时间')),
                ('removed_at', models.DateTimeField(blank=True, null=True, verbose_name='拆除时间')),
            ],
            options={
                'verbose_name': '表计',
                'verbose_name_plural': '表计',
                'ordering': ['device_id', '-installed_at'],
            },
        ),
        migrations.CreateModel(
            name='PointCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=24, unique=True, verbose_name='编码')),
                ('name', models.CharField(max_length=80, verbose_name='名称')),
                ('name_en', models.CharField(max_length=120, verbose_name='英文名称')),
                ('unit', models.CharField(blank=True, max_length=12, verbose_name='单位')),
                ('kind', models.CharField(choices=[('inst', '瞬时量'), ('ctr', '累计量'), ('ev', '状态量'), ('attr', '属性')], max_length=4, verbose_name='类型')),
                ('group', models.CharField(max_length=20, verbose_name='分组')),
                ('phase', models.CharField(blank=True, max_length=4, verbose_name='相别')),
                ('data_class', models.CharField(choices=[('safety', '安全数据'), ('load', '负荷数据'), ('energy', '电量数据')], max_length=8, verbose_name='数据类别')),
                ('decimals', models.PositiveSmallIntegerField(default=1, verbose_name='小数位')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='排序')),
            ],
            options={
                'verbose_name': '测点编码',
                'verbose_name_plural': '测点编码',
                'ordering': ['position', 'code'],
            },
        ),
        migrations.CreateModel(
            name='PointOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(blank=True, max_length=80, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=120, verbose_name='英文名称')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='启用')),
            ],
            options={
                'verbose_name': '测点覆盖',
                'verbose_name_plural': '测点覆盖',
            },
        ),
        migrations.CreateModel(
            name='PollShard',
            fields=[
                ('number', models.PositiveSmallIntegerField(primary_key=True, serialize=False, verbose_name='分片')),
                ('fence', models.BigIntegerField(default=0, verbose_name='栅栏号')),
                ('owner', models.CharField(blank=True, max_length=120, verbose_name='当前进程')),
                ('cycle_at', models.DateTimeField(blank=True, null=True, verbose_name='最近轮询')),
                ('cycle_ms', models.FloatField(blank=True, null=True, verbose_name='轮询耗时 (ms)')),
                ('late_cycles', models.BigIntegerField(default=0, verbose_name='超时轮询次数')),
            ],
            options={
                'verbose_name': '采集分片',
                'verbose_name_plural': '采集分片',
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='Ratio',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ct', models.FloatField(default=1, validators=[django.core.validators.MinValueValidator(0.001)], verbose_name='CT 变比')),
                ('pt', models.FloatField(default=1, validators=[django.core.validators.MinValueValidator(0.001)], verbose_name='PT 变比')),
                ('valid_from', models.DateTimeField(verbose_name='生效时间')),
                ('valid_to', models.DateTimeField(blank=True, null=True, verbose_name='失效时间')),
            ],
            options={
                'verbose_name': '变比',
                'verbose_name_plural': '变比',
                'ordering': ['device_id', '-valid_from'],
            },
        ),
        migrations.CreateModel(
            name='Register',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('function_code', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(4)], verbose_name='功能码')),
                ('address', models.PositiveIntegerField(validators=[django.core.validators.MaxValueValidator(65535)], verbose_name='地址')),
                ('type', models.CharField(max_length=10, verbose_name='数据类型')),
                ('bit', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='位')),
                ('byte_order', models.CharField(default='big', max_length=6, verbose_name='字节序')),
                ('word_order', models.CharField(default='big', max_length=6, verbose_name='字序')),
                ('unit', models.CharField(blank=True, max_length=12, verbose_name='原始单位')),
                ('scale', models.FloatField(default=1, verbose_name='倍率')),
                ('factor', models.FloatField(default=1, verbose_name='换算系数')),
                ('offset', models.FloatField(default=0, verbose_name='偏移')),
                ('invalid', models.JSONField(blank=True, default=list, verbose_name='无效标记')),
                ('minimum', models.FloatField(blank=True, null=True, verbose_name='下限')),
                ('maximum', models.FloatField(blank=True, null=True, verbose_name='上限')),
                ('poll_class', models.CharField(choices=[('fast', '快'), ('slow', '慢'), ('daily', '每日')], default='fast', max_length=6, verbose_name='采集级别')),
                ('confidence', models.CharField(blank=True, max_length=20, verbose_name='可信度')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='备注')),
            ],
            options={
                'verbose_name': '寄存器',
                'verbose_name_plural': '寄存器',
                'ordering': ['version', 'function_code', 'address', 'bit'],
            },
        ),
        migrations.CreateModel(
            name='TemplateVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(verbose_name='版本号')),
                ('state', models.CharField(choices=[('draft', '草稿'), ('published', '已发布'), ('retired', '已停用')], default='published', max_length=10, verbose_name='状态')),
                ('checksum', models.CharField(editable=False, max_length=64)),
                ('document', models.TextField(blank=True, verbose_name='模板文本')),
                ('max_read_registers', models.PositiveSmallIntegerField(default=120, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(125)], verbose_name='单次最多读取寄存器数')),
                ('max_gap', models.PositiveSmallIntegerField(default=8, verbose_name='合并读取的最大空洞')),
                ('values_are', models.CharField(choices=[('primary', '一次侧'), ('secondary', '二次侧')], default='primary', max_length=10, verbose_name='数值侧')),
                ('defaults', models.JSONField(blank=True, default=dict, verbose_name='通信默认值')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
            ],
            options={
                'verbose_name': '模板版本',
                'verbose_name_plural': '模板版本',
                'ordering': ['template__key', '-number'],
            },
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('is_online', models.BooleanField(editable=False, null=True, verbose_name='在线')),
                ('link_changed_at', models.DateTimeField(editable=False, null=True, verbose_name='通信状态变化时间')),
                ('last_seen_at', models.DateTimeField(editable=False, null=True, verbose_name='最后通信')),
                ('link_error', models.CharField(blank=True, editable=False, max_length=40, verbose_name='通信错误')),
                ('unit_id', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(255)], verbose_name='通信地址')),
                ('code', models.CharField(blank=True, max_length=40, verbose_name='编号')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='启用')),
                ('is_simulated', models.BooleanField(default=False, verbose_name='模拟')),
                ('bus', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='devices.bus', verbose_name='总线')),
            ],
            options={
                'verbose_name': '设备',
                'verbose_name_plural': '设备',
                'ordering': ['site_id', 'code', 'name'],
            },
        ),
    ]
