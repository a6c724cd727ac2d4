import core.search
from django.db import migrations

from core.search import fill

OLD_ROWS = {
    "gateway": ("name", "name_en", "serial"),
    "device": ("code", "name", "name_en"),
    "pointcode": ("code", "name", "name_en"),
    "pointoverride": ("name", "name_en"),
}


def fill_old_rows(apps, schema_editor):
    """Rows stored before the column was: read and written in batches."""
    for name, search_of in OLD_ROWS.items():
        fill(apps.get_model("devices", name), search_of)


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0004_plan_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='device',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='gateway',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='pointcode',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='pointoverride',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.RunPython(fill_old_rows, migrations.RunPython.noop),
    ]
