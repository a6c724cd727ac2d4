from django.db import migrations

# Rows that polling writes again and again change a stamp, nothing that a plan of a query depends on: with the
# usual tenth of the rows a large table would be sampled anew every minute.
TABLES = ("devices_device", "devices_gateway")
OPTION = "autovacuum_analyze_scale_factor"


class Migration(migrations.Migration):

    dependencies = [
        ("devices", "0027_room_for_updates"),
    ]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET ({OPTION} = 1)", f"ALTER TABLE {table} RESET ({OPTION})"
        )
        for table in TABLES
    ]
