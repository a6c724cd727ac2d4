"""Samples: one row per device and moment, partitioned by UTC day; no default partition."""

from django.db import migrations

CREATE = """
CREATE TABLE reading (
    device_id bigint NOT NULL,
    at timestamptz NOT NULL,
    layout_id integer NOT NULL,
    values real[] NOT NULL,
    counters double precision[] NOT NULL,
    quality smallint NOT NULL DEFAULT 0,
    flags bytea,
    PRIMARY KEY (device_id, at)
) PARTITION BY RANGE (at);
"""


class Migration(migrations.Migration):
    dependencies = [("devices", "0002_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP TABLE reading")]
