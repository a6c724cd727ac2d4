from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0003_reading'),
    ]

    operations = [
        migrations.AddField(
            model_name='pointoverride',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, verbose_name='更新时间'),
        ),
        migrations.AddField(
            model_name='ratio',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, verbose_name='更新时间'),
        ),
        migrations.AddField(
            model_name='templateversion',
            name='forbidden',
            field=models.JSONField(blank=True, default=list, help_text='功能码、首地址、末地址。', verbose_name='禁读区间'),
        ),
    ]
