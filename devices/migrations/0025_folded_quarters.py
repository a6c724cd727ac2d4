from django.db import migrations, models

# Quarters of a day (UTC) of one device and layout; no foreign keys, dropped by retention. Already
# compressed. `hours`: a bit for each hour that has its quarters in the row.
CREATE = """
CREATE TABLE rollup_folded (
    device_id bigint NOT NULL,
    day timestamptz NOT NULL,
    layout_id integer NOT NULL,
    hours integer NOT NULL,
    version smallint NOT NULL,
    data bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (device_id, day, layout_id)
) PARTITION BY RANGE (day);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0024_changes_of_repairs'),
    ]

    operations = [
        migrations.RunSQL(CREATE, "DROP TABLE rollup_folded"),
        migrations.AddField(
            model_name='compactedhour',
            name='is_folded',
            field=models.BooleanField(default=False, verbose_name='汇总已按日合并'),
        ),
        migrations.AddIndex(
            model_name='compactedhour',
            index=models.Index(condition=models.Q(('is_folded', False)), fields=['hour'], name='compacted_hour_to_fold'),
        ),
    ]
