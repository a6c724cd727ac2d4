
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sites', '0003_people_and_grants'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='site',
            name='site_coordinates_in_range',
        ),
        migrations.AlterField(
            model_name='circuit',
            name='parent',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='children', to='sites.circuit', verbose_name='上级回路'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='circuit',
            trigger=pgtrigger.compiler.Trigger(name='circuit_fits_its_place', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF NEW.transformer_id IS NOT NULL AND NOT EXISTS (\n    SELECT 1 FROM sites_transformer t WHERE t.id = NEW.transformer_id AND t.room_id = NEW.room_id\n) THEN\n    RAISE EXCEPTION 'circuit has a transformer of another room'\n        USING ERRCODE = 'check_violation';\nEND IF;\nIF NEW.parent_id IS NOT NULL AND NOT EXISTS (\n    SELECT 1 FROM sites_circuit p\n    JOIN sites_room pr ON pr.id = p.room_id\n    JOIN sites_room r ON r.id = NEW.room_id AND r.site_id = pr.site_id\n    WHERE p.id = NEW.parent_id\n) THEN\n    RAISE EXCEPTION 'circuit has a parent at another site'\n        USING ERRCODE = 'check_violation';\nEND IF;\nIF NEW.parent_id IS NOT NULL AND EXISTS (\n    WITH RECURSIVE above (id, parent_id) AS (\n        SELECT c.id, c.parent_id FROM sites_circuit c WHERE c.id = NEW.parent_id\n        UNION\n        SELECT c.id, c.parent_id FROM sites_circuit c JOIN above ON above.parent_id = c.id\n    )\n    SELECT 1 FROM above WHERE above.id = NEW.id\n) THEN\n    RAISE EXCEPTION 'circuit would be its own ancestor'\n        USING ERRCODE = 'check_violation';\nEND IF;\nIF EXISTS (\n    SELECT 1 FROM sites_circuit c\n    JOIN sites_room cr ON cr.id = c.room_id\n    JOIN sites_room r ON r.id = NEW.room_id AND r.site_id <> cr.site_id\n    WHERE c.parent_id = NEW.id\n) THEN\n    RAISE EXCEPTION 'circuit has children at another site'\n        USING ERRCODE = 'check_violation';\nEND IF;\nRETURN NEW;\n", hash='3a477421d1adc3199cd23cca5d6846bff4b40fcf', operation='INSERT OR UPDATE OF "room_id", "transformer_id", "parent_id"', pgid='pgtrigger_circuit_fits_its_place_dd82e', table='sites_circuit', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='site',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('latitude_deg__isnull', True), ('longitude_deg__isnull', True)), models.Q(('latitude_deg__isnull', False), ('latitude_deg__range', (-90, 90)), ('longitude_deg__isnull', False), ('longitude_deg__range', (-180, 180))), _connector='OR'), name='site_coordinates_in_range', violation_error_message='经纬度须同时填写且在有效范围内。'),
        ),
    ]
