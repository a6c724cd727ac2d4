import django.contrib.auth.models
import django.contrib.auth.validators
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import sites.models.access


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='Department',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True, verbose_name='编码')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
            ],
            options={
                'verbose_name': '主管部门',
                'verbose_name_plural': '主管部门',
                'ordering': ['code'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Organisation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, unique=True, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('kind', models.CharField(choices=[('om_company', '运维单位'), ('owner', '用电单位'), ('government', '政府部门'), ('provider', '平台服务商')], max_length=20, verbose_name='类型')),
                ('phone', models.CharField(blank=True, max_length=40, verbose_name='电话')),
            ],
            options={
                'verbose_name': '单位',
                'verbose_name_plural': '单位',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='SignInRefusal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, verbose_name='时间')),
                ('username', models.CharField(max_length=150, verbose_name='用户名')),
                ('ip_address', models.GenericIPAddressField(blank=True, null=True, verbose_name='来源地址')),
                ('door', models.CharField(choices=[('web', 'Web'), ('api', 'API')], max_length=12, verbose_name='入口')),
                ('reason', models.CharField(max_length=40, verbose_name='原因')),
            ],
            options={
                'verbose_name': '登录失败记录',
                'verbose_name_plural': '登录失败记录',
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='Town',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True, verbose_name='编码')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
            ],
            options={
                'verbose_name': '镇街',
                'verbose_name_plural': '镇街',
                'ordering': ['code'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('name', models.CharField(blank=True, max_length=60, verbose_name='姓名')),
                ('phone', models.CharField(blank=True, max_length=40, verbose_name='电话')),
                ('language', models.CharField(choices=[('zh-hans', '简体中文'), ('en', 'English')], default='zh-hans', max_length=10, verbose_name='语言')),
                ('theme', models.CharField(choices=[('auto', '跟随系统'), ('light', '浅色'), ('dark', '深色')], default='auto', max_length=10, verbose_name='主题')),
                ('timezone', models.CharField(default='Asia/Shanghai', max_length=40, verbose_name='时区')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ('organisation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='users', to='sites.organisation', verbose_name='单位')),
            ],
            options={
                'verbose_name': '用户',
                'verbose_name_plural': '用户',
                'ordering': ['username'],
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True, verbose_name='编码')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('is_subsidised', models.BooleanField(default=False, verbose_name='享受补贴')),
                ('planned_enterprises', models.PositiveIntegerField(default=0, verbose_name='计划接入企业数')),
                ('departments', models.ManyToManyField(blank=True, to='sites.department', verbose_name='主管部门')),
            ],
            options={
                'verbose_name': '企业类别',
                'verbose_name_plural': '企业类别',
                'ordering': ['code'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Enterprise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('number', models.CharField(max_length=40, unique=True, verbose_name='企业编号')),
                ('is_group', models.BooleanField(default=False, verbose_name='集团客户')),
                ('address', models.CharField(blank=True, max_length=200, verbose_name='地址')),
                ('quality', models.PositiveSmallIntegerField(choices=[(1, '国有'), (2, '民营'), (3, '外资'), (4, '合资'), (5, '政府机关'), (6, '事业单位'), (7, '其他'), (8, '股份制'), (9, '私营')], default=7, verbose_name='企业性质')),
                ('annual_output_10k_yuan', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='年产值（万元）')),
                ('payment_code', models.CharField(blank=True, max_length=20, verbose_name='缴费方式编码')),
                ('payment_name', models.CharField(blank=True, max_length=60, verbose_name='缴费方式')),
                ('legal_person', models.CharField(blank=True, max_length=60, verbose_name='法人代表')),
                ('legal_phone', models.CharField(blank=True, max_length=40, verbose_name='法人电话')),
                ('contact_name', models.CharField(blank=True, max_length=60, verbose_name='用电联系人')),
                ('contact_phone', models.CharField(blank=True, max_length=40, verbose_name='联系人电话')),
                ('contract_capacity_kva', models.DecimalField(blank=True, decimal_places=1, max_digits=10, null=True, verbose_name='合同容量 (kVA)')),
                ('supply_voltage', models.CharField(choices=[('380V', '380 V'), ('10kV', '10 kV'), ('35kV', '35 kV'), ('110kV', '110 kV'), ('220kV', '220 kV')], default='10kV', max_length=8, verbose_name='供电电压等级')),
                ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.category', verbose_name='企业类别')),
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.department', verbose_name='主管部门')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='sites.enterprise', verbose_name='所属集团')),
                ('town', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.town', verbose_name='镇街')),
            ],
            options={
                'verbose_name': '企业',
                'verbose_name_plural': '企业',
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='NumberSeries',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('prefix', models.CharField(max_length=8, verbose_name='前缀')),
                ('day', models.DateField(verbose_name='日期')),
                ('last', models.PositiveIntegerField(default=0, verbose_name='最后序号')),
            ],
            options={
                'verbose_name': '编号序列',
                'verbose_name_plural': '编号序列',
                'constraints': [models.UniqueConstraint(fields=('prefix', 'day'), name='number_series_key')],
            },
        ),
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('number', models.CharField(max_length=40, unique=True, verbose_name='站点编号')),
                ('state', models.CharField(choices=[('construction', '建设中'), ('commissioning', '调试'), ('operation', '投运'), ('out_of_service', '停运')], default='construction', max_length=20, verbose_name='状态')),
                ('address', models.CharField(blank=True, max_length=200, verbose_name='地址')),
                ('latitude_deg', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(-90), django.core.validators.MaxValueValidator(90)], verbose_name='纬度 (WGS-84)')),
                ('longitude_deg', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(-180), django.core.validators.MaxValueValidator(180)], verbose_name='经度 (WGS-84)')),
                ('timezone', models.CharField(default='Asia/Shanghai', max_length=40, verbose_name='时区')),
                ('nominal_voltage_v', models.PositiveIntegerField(default=400, verbose_name='额定电压 (V)')),
                ('contact_name', models.CharField(blank=True, max_length=60, verbose_name='联系人')),
                ('contact_phone', models.CharField(blank=True, max_length=40, verbose_name='联系电话')),
                ('commissioned_on', models.DateField(blank=True, null=True, verbose_name='投运日期')),
                ('enterprise', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='sites.enterprise', verbose_name='企业')),
            ],
            options={
                'verbose_name': '站点',
                'verbose_name_plural': '站点',
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='Room',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('kind', models.CharField(choices=[('room', '配电室'), ('package', '箱变'), ('switching', '开闭所')], default='room', max_length=20, verbose_name='类型')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rooms', to='sites.site', verbose_name='站点')),
            ],
            options={
                'verbose_name': '配电室',
                'verbose_name_plural': '配电室',
                'ordering': ['site_id', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=120, verbose_name='英文名称')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='teams', to='sites.organisation', verbose_name='单位')),
            ],
            options={
                'verbose_name': '班组',
                'verbose_name_plural': '班组',
                'ordering': ['organisation__name', 'name'],
            },
        ),
        migrations.AddField(
            model_name='site',
            name='team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sites', to='sites.team', verbose_name='运维班组'),
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('administrator', '管理员'), ('manager', '运维经理'), ('dispatcher', '值班员'), ('technician', '运维人员'), ('enterprise', '企业用户'), ('district_viewer', '区级查看'), ('town_viewer', '镇街查看'), ('department_viewer', '部门查看')], max_length=20, verbose_name='角色')),
                ('scope_kind', models.CharField(choices=[('platform', '全平台'), ('organisation', '运维单位所辖站点'), ('team', '班组所辖站点'), ('enterprise', '企业'), ('site', '站点'), ('town', '镇街'), ('department', '主管部门')], max_length=16, verbose_name='范围')),
                ('data_classes', models.JSONField(default=sites.models.access.all_data_classes, verbose_name='数据类别')),
                ('starts_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='开始时间')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='结束时间')),
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='sites.department', verbose_name='主管部门')),
                ('enterprise', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='sites.enterprise', verbose_name='企业')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to=settings.AUTH_USER_MODEL, verbose_name='用户')),
                ('organisation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='sites.organisation', verbose_name='单位')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='sites.site', verbose_name='站点')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='sites.team', verbose_name='班组')),
                ('town', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='sites.town', verbose_name='镇街')),
            ],
            options={
                'verbose_name': '授权',
                'verbose_name_plural': '授权',
                'ordering': ['user__username', 'role', 'id'],
            },
        ),
        migrations.AddField(
            model_name='user',
            name='teams',
            field=models.ManyToManyField(blank=True, related_name='members', to='sites.team', verbose_name='班组'),
        ),
        migrations.CreateModel(
            name='GrantEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('role', models.CharField(choices=[('administrator', '管理员'), ('manager', '运维经理'), ('dispatcher', '值班员'), ('technician', '运维人员'), ('enterprise', '企业用户'), ('district_viewer', '区级查看'), ('town_viewer', '镇街查看'), ('department_viewer', '部门查看')], max_length=20, verbose_name='角色')),
                ('scope_kind', models.CharField(choices=[('platform', '全平台'), ('organisation', '运维单位所辖站点'), ('team', '班组所辖站点'), ('enterprise', '企业'), ('site', '站点'), ('town', '镇街'), ('department', '主管部门')], max_length=16, verbose_name='范围')),
                ('data_classes', models.JSONField(default=sites.models.access.all_data_classes, verbose_name='数据类别')),
                ('starts_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='开始时间')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='结束时间')),
                ('department', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='sites.department', verbose_name='主管部门')),
                ('enterprise', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='sites.enterprise', verbose_name='企业')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='sites.grant')),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='用户')),
                ('organisation', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='sites.organisation', verbose_name='单位')),
                ('site', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='sites.site', verbose_name='站点')),
                ('team', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='sites.team', verbose_name='班组')),
                ('town', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='sites.town', verbose_name='镇街')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Transformer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('rated_kva', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='额定容量 (kVA)')),
                ('vector_group', models.CharField(default='Dyn11', max_length=12, verbose_name='联结组别')),
                ('kind', models.CharField(choices=[('dry', '干式'), ('oil', '油浸式')], default='dry', max_length=8, verbose_name='类型')),
                ('room', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='transformers', to='sites.room', verbose_name='配电室')),
            ],
            options={
                'verbose_name': '变压器',
                'verbose_name_plural': '变压器',
                'ordering': ['room_id', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Circuit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='名称')),
                ('name_en', models.CharField(blank=True, max_length=160, verbose_name='英文名称')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='创建时间')),
                ('updated_at', models.DateTimeField(auto_now=True, db_index=True, verbose_name='更新时间')),
                ('code', models.CharField(blank=True, max_length=20, verbose_name='编号')),
                ('kind', models.CharField(choices=[('incomer', '进线'), ('feeder', '出线'), ('tie', '母联'), ('capacitor', '电容补偿')], default='feeder', max_length=12, verbose_name='类型')),
                ('rated_current_a', models.FloatField(blank=True, null=True, verbose_name='额定电流 (A)')),
                ('nominal_voltage_v', models.PositiveIntegerField(blank=True, help_text='为空时取站点的额定电压。', null=True, verbose_name='额定电压 (V)')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='sites.circuit', verbose_name='上级回路')),
                ('room', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='circuits', to='sites.room', verbose_name='配电室')),
                ('transformer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='circuits', to='sites.transformer', verbose_name='变压器')),
            ],
            options={
                'verbose_name': '回路',
                'verbose_name_plural': '回路',
                'ordering': ['room_id', 'code', 'name'],
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device_id', models.CharField(max_length=80, verbose_name='终端标识')),
                ('device_name', models.CharField(blank=True, max_length=80, verbose_name='终端名称')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True, verbose_name='摘要')),
                ('created_at', models.DateTimeField(verbose_name='创建时间')),
                ('expires_at', models.DateTimeField(verbose_name='过期时间')),
                ('last_used_at', models.DateTimeField(blank=True, null=True, verbose_name='最近使用')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='吊销时间')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL, verbose_name='用户')),
            ],
            options={
                'verbose_name': '接口令牌',
                'verbose_name_plural': '接口令牌',
                'ordering': ['-created_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('user', 'device_id'), name='one_live_token_per_device')],
            },
        ),
        migrations.AddConstraint(
            model_name='room',
            constraint=models.UniqueConstraint(fields=('site', 'name'), name='room_name_per_site', violation_error_message='该站点已有同名配电室。'),
        ),
        migrations.AddConstraint(
            model_name='team',
            constraint=models.UniqueConstraint(fields=('organisation', 'name'), name='team_name_per_organisation', violation_error_message='该单位已有同名班组。'),
        ),
        migrations.AddConstraint(
            model_name='site',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('latitude_deg__isnull', True), ('longitude_deg__isnull', True)), models.Q(('latitude_deg__range', (-90, 90)), ('longitude_deg__range', (-180, 180))), _connector='OR'), name='site_coordinates_in_range', violation_error_message='经纬度须同时填写且在有效范围内。'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('scope_kind', 'organisation'), ('organisation__isnull', False)), models.Q(models.Q(('scope_kind', 'organisation'), _negated=True), ('organisation__isnull', True)), _connector='OR'), models.Q(models.Q(('scope_kind', 'team'), ('team__isnull', False)), models.Q(models.Q(('scope_kind', 'team'), _negated=True), ('team__isnull', True)), _connector='OR'), models.Q(models.Q(('scope_kind', 'enterprise'), ('enterprise__isnull', False)), models.Q(models.Q(('scope_kind', 'enterprise'), _negated=True), ('enterprise__isnull', True)), _connector='OR'), models.Q(models.Q(('scope_kind', 'site'), ('site__isnull', False)), models.Q(models.Q(('scope_kind', 'site'), _negated=True), ('site__isnull', True)), _connector='OR'), models.Q(models.Q(('scope_kind', 'town'), ('town__isnull', False)), models.Q(models.Q(('scope_kind', 'town'), _negated=True), ('town__isnull', True)), _connector='OR'), models.Q(models.Q(('scope_kind', 'department'), ('department__isnull', False)), models.Q(models.Q(('scope_kind', 'department'), _negated=True), ('department__isnull', True)), _connector='OR')), name='grant_scope_matches_kind', violation_error_message='请只填写与授权范围对应的一项。'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='grant_period_not_empty', violation_error_message='结束时间必须晚于开始时间。'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "sites_grantevent" ("data_classes", "department_id", "ends_at", "enterprise_id", "id", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "scope_kind", "site_id", "starts_at", "team_id", "town_id", "user_id") VALUES (NEW."data_classes", NEW."department_id", NEW."ends_at", NEW."enterprise_id", NEW."id", NEW."organisation_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."role", NEW."scope_kind", NEW."site_id", NEW."starts_at", NEW."team_id", NEW."town_id", NEW."user_id"); RETURN NULL;', hash='2d2289de8898a1065ec0935a445df03190a7390f', operation='INSERT', pgid='pgtrigger_insert_insert_802f8', table='sites_grant', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "sites_grantevent" ("data_classes", "department_id", "ends_at", "enterprise_id", "id", "organisation_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "scope_kind", "site_id", "starts_at", "team_id", "town_id", "user_id") VALUES (NEW."data_classes", NEW."department_id", NEW."ends_at", NEW."enterprise_id", NEW."id", NEW."organisation_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."role", NEW."scope_kind", NEW."site_id", NEW."starts_at", NEW."team_id", NEW."town_id", NEW."user_id"); RETURN NULL;', hash='707fceb7cdb6709e196ece5f8b7c0a693911c998', operation='UPDATE', pgid='pgtrigger_update_update_f09a8', table='sites_grant', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='circuit',
            constraint=models.CheckConstraint(condition=models.Q(('parent', models.F('id')), _negated=True), name='circuit_not_its_own_parent', violation_error_message='回路不能是自己的上级。'),
        ),
    ]
