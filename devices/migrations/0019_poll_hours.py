from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0018_platform_site'),
    ]

    operations = [
        migrations.CreateModel(
            name='PollHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('shard', models.PositiveSmallIntegerField(verbose_name='采集分片')),
                ('hour', models.DateTimeField(verbose_name='小时 (UTC)')),
                ('cycles', models.BigIntegerField(verbose_name='轮询次数')),
                ('late_cycles', models.BigIntegerField(verbose_name='超时轮询次数')),
                ('slowest_ms', models.FloatField(verbose_name='最长轮询耗时 (ms)')),
                ('reads', models.BigIntegerField(verbose_name='读取次数')),
                ('failed_reads', models.BigIntegerField(verbose_name='读取失败次数')),
                ('stored', models.BigIntegerField(verbose_name='入库行数')),
            ],
            options={
                'verbose_name': '采集小时统计',
                'verbose_name_plural': '采集小时统计',
                'indexes': [models.Index(fields=['hour'], name='poll_hour_at')],
                'constraints': [models.UniqueConstraint(fields=('shard', 'hour'), name='poll_hour_once')],
            },
        ),
    ]
