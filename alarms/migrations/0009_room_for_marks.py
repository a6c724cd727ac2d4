from django.db import migrations

# The mark of each device moves every ten minutes: with room beside the old version none has to go into the
# index anew. Only the mark changes, so the statistics stay as they are.
OPTIONS = {"fillfactor": 70, "autovacuum_analyze_scale_factor": 1}


class Migration(migrations.Migration):

    dependencies = [
        ("alarms", "0008_data_rules"),
    ]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE alarms_watched SET ({', '.join(f'{k} = {v}' for k, v in OPTIONS.items())})",
            f"ALTER TABLE alarms_watched RESET ({', '.join(OPTIONS)})",
        )
    ]
