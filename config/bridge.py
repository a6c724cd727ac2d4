"""Waits, small, until a broker is configured; then becomes `manage.py mqtt_bridge`.

Most installations have no broker: the wait does not load the product's modules, and asks one query
every few seconds.
"""

import logging
import os
import signal
import sys
import time
from pathlib import Path

import psycopg

from config import env

LOOK_S = 10.0

_ANY = """
SELECT EXISTS (
    SELECT FROM devices_mqttbroker b JOIN devices_datasource s ON s.id = b.source_id
    WHERE b.is_enabled AND s.is_enabled
)
"""

logger = logging.getLogger(__name__)


def wait() -> None:
    """Return when there is something to bridge; a database that is away is asked again."""
    while not is_any():
        time.sleep(LOOK_S)


def is_any() -> bool:
    """Whether a broker is in use, as far as the database answers."""
    try:
        with psycopg.connect(env.DATABASE_URL, connect_timeout=5) as line:
            found = line.execute(_ANY).fetchone()
    except psycopg.Error as reason:
        logger.warning("bridge.wait reason=%s", reason)
        return False
    return bool(found and found[0])


if __name__ == "__main__":
    # Told to stop while it waits: nothing is under way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    wait()
    manage = str(Path(__file__).resolve().parent.parent / "manage.py")
    # The supervisor knows us by our pid.
    os.execv(sys.executable, [sys.executable, manage, "mqtt_bridge"])  # noqa: S606 - our own command
