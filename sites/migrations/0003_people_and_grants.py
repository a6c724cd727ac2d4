
import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import sites.models.zones


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('sites', '0002_dictionaries'),
    ]

    operations = [
        migrations.AlterModelManagers(
            name='user',
            managers=[
            ],
        ),
        migrations.RemoveConstraint(
            model_name='grant',
            name='grant_period_not_empty',
        ),
        migrations.AddField(
            model_name='apitoken',
            name='password_stamp',
            field=models.CharField(default='', editable=False, max_length=64, verbose_name='口令印记'),
        ),
        migrations.AddField(
            model_name='user',
            name='is_demo',
            field=models.BooleanField(default=False, help_text='密码是公开的，只能在演示数据库中登录。', verbose_name='演示账号'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='department',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.department', verbose_name='主管部门'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='enterprise',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.enterprise', verbose_name='企业'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='organisation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.organisation', verbose_name='单位'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='site',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.site', verbose_name='站点'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.team', verbose_name='班组'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='town',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='sites.town', verbose_name='镇街'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL, verbose_name='用户'),
        ),
        migrations.AlterField(
            model_name='signinrefusal',
            name='door',
            field=models.CharField(choices=[('web', '网页'), ('api', '接口')], max_length=12, verbose_name='入口'),
        ),
        migrations.AlterField(
            model_name='signinrefusal',
            name='reason',
            field=models.CharField(choices=[('password', '用户名或密码不正确'), ('code', '验证码不正确'), ('closed', '账号已停用'), ('limited', '尝试过于频繁')], max_length=40, verbose_name='原因'),
        ),
        migrations.AlterField(
            model_name='site',
            name='timezone',
            field=models.CharField(default='Asia/Shanghai', max_length=40, validators=[sites.models.zones.known_zone], verbose_name='时区'),
        ),
        migrations.AlterField(
            model_name='user',
            name='timezone',
            field=models.CharField(default='Asia/Shanghai', max_length=40, validators=[sites.models.zones.known_zone], verbose_name='时区'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='grant_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='7edd3a55b27e2ba02a6cf9f809c8dee7ac8c9606', operation='DELETE', pgid='pgtrigger_grant_is_kept_90da6', table='sites_grant', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='grant_period_in_order', violation_error_message='结束时间不能早于开始时间。'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('username'), name='username_once_in_any_case', violation_error_message='该用户名已被使用（不区分大小写）。'),
        ),
    ]
