from django.db import migrations

import core.search
from core.search import fill

OLD_ROWS = {
    "enterprise": ("number", "name", "name_en"),
    "site": ("number", "name", "name_en"),
    "room": ("name", "name_en"),
    "transformer": ("name", "name_en"),
    "circuit": ("code", "name", "name_en"),
}


def fill_old_rows(apps, schema_editor):
    """Rows stored before the column was: read and written in batches."""
    for name, search_of in OLD_ROWS.items():
        fill(apps.get_model("sites", name), search_of)


class Migration(migrations.Migration):

    dependencies = [
        ('sites', '0004_circuits_and_coordinates'),
    ]

    operations = [
        migrations.AddField(
            model_name='circuit',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='enterprise',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='room',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='site',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='transformer',
            name='search_text',
            field=core.search.SearchText(blank=True, default='', editable=False),
        ),
        migrations.RunPython(fill_old_rows, migrations.RunPython.noop),
    ]
