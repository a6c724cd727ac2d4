"""The environment, read in one place; every variable is declared here once.

Values come from the process environment; the addresses of running embedded services come from
`<home>/services.json`, which `script/server` writes.
"""

import hashlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env
from psycopg.conninfo import conninfo_to_dict

LONGEST_SOCKET_PATH = 100
BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()

HOME = Path(env.str("DIANWU_HOME", str(BASE_DIR / ".run"))).resolve()


def _services() -> dict[str, str]:
    try:
        found = json.loads((HOME / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()}


_running = _services()

DEBUG = env.bool("DIANWU_DEBUG", False)
BIND_HOST = env.str("DIANWU_HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
# What a person gave; `script/server` starts an embedded service for each that is missing.
GIVEN_DATABASE_URL = env.str("DATABASE_URL", "")
GIVEN_REDIS_URL = env.str("REDIS_URL", "")
DATABASE_URL = env.str("DATABASE_URL", _running.get("DATABASE_URL", ""))
REDIS_URL = env.str("REDIS_URL", _running.get("REDIS_URL", ""))
IS_EMBEDDED = env.bool(
    "DIANWU_EMBEDDED", bool(DATABASE_URL) and _running.get("DATABASE_URL") == DATABASE_URL
)
ALLOWED_HOSTS = env.list("DIANWU_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
TRUSTED_ORIGINS: list[str] = env.list("DIANWU_TRUSTED_ORIGINS", [])
# How many proxies of ours stand in front: so many of X-Forwarded-For's last entries are believed.
PROXIES = env.int("DIANWU_PROXIES", 0)
HTTPS = env.bool("DIANWU_HTTPS", False)
POLL_SHARDS = env.int("DIANWU_POLL_SHARDS", 2)
# Where gateways dial in; port 0: nowhere.
DTU_HOST = env.str("DIANWU_DTU_HOST", BIND_HOST)
GIVEN_DTU_PORT = env.int("DIANWU_DTU_PORT", None)
DTU_PORT = int(_running.get("DIANWU_DTU_PORT", 7502) if GIVEN_DTU_PORT is None else GIVEN_DTU_PORT)
# Where samples wait while the database is away, on a disk of this machine: at most so much for each
# shard, and so much of the disk stays free.
SPOOL_ROOT = Path(env.str("DIANWU_SPOOL", str(HOME / "spool")))
SPOOL_MB = env.int("DIANWU_SPOOL_MB", 2048)
SPOOL_FREE_MB = env.int("DIANWU_SPOOL_FREE_MB", 512)
# A shard whose latest cycle is so old is late: a restarted worker is quicker.
LATE_AFTER_S = env.float("DIANWU_LATE_AFTER_S", 30.0)
# Who may read /metrics; without a token only this machine.
METRICS_TOKEN = env.str("DIANWU_METRICS_TOKEN", "")
# Pinged once a minute while all is well, with /fail added when something is not.
HEARTBEAT_URL = env.str("DIANWU_HEARTBEAT_URL", "")
MEDIA_ROOT = Path(env.str("DIANWU_MEDIA", str(HOME / "media")))
TILE_HOSTS: list[str] = env.list("DIANWU_TILE_HOSTS", [])
# What the map of sites is drawn on: config.tiles says how.
MAP_KIND = env.str("DIANWU_MAP_KIND", "none")
MAP_URL = env.str("DIANWU_MAP_URL", "")
MAP_CRS = env.str("DIANWU_MAP_CRS", "wgs84")
MAP_ATTRIBUTION = env.str("DIANWU_MAP_ATTRIBUTION", "")
MAP_LAYER = env.str("DIANWU_MAP_LAYER", "")
MAP_MATRIX_SET = env.str("DIANWU_MAP_MATRIX_SET", "")
# How many days of the past the demo is made with: less is quicker.
DEMO_DAYS = env.float("DIANWU_DEMO_DAYS", 30.0)
LOG_LEVEL = env.str("DIANWU_LOG_LEVEL", "INFO")
# `script/server` chooses a free block of ports for a demo, unless a person does.
GIVEN_SIMULATOR_PORT = env.int("DIANWU_SIMULATOR_PORT", None)
SIMULATOR_PORT = GIVEN_SIMULATOR_PORT or int(_running.get("DIANWU_SIMULATOR_PORT", 15020))


def simulator_control() -> Path:
    """The simulator's control socket: in the home, or where a long home's name would not fit."""
    path = HOME / "simulator.sock"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(str(HOME).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"dianwu-simulator-{os.getuid()}-{digest}.sock"


def demo_unfinished(home: Path) -> Path:
    """The file that is in a home while the demo is being made."""
    return home / "demo.unfinished"


def secret_key() -> str:
    """The key from the environment, or one made once into the home folder (mode 0600)."""
    given = env.str("DIANWU_SECRET_KEY", "")
    if given:
        return given
    path = HOME / "secret_key"
    try:
        kept = path.read_text().strip()
    except OSError:
        kept = ""
    if kept:
        return kept
    HOME.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(50)
    path.touch(mode=0o600)
    path.write_text(key)
    return key


def postgres(url: str) -> dict[str, Any]:
    """Django's settings of a PostgreSQL URL; libpq's own parser reads it, socket folders included.

    Raises psycopg.ProgrammingError when it is no such URL.
    """
    facts = conninfo_to_dict(url)
    # Our rows carry a dozen names along by outer joins, in the order in which they are found best:
    # trying all their orders takes the planner longer than the query.
    options = f"-c join_collapse_limit=4 {facts.pop('options', '')}".strip()
    return {
        "NAME": facts.pop("dbname", "dianwu"),
        "USER": facts.pop("user", ""),
        "PASSWORD": facts.pop("password", ""),
        "HOST": facts.pop("host", ""),
        "PORT": str(facts.pop("port", "")),
        "OPTIONS": {**facts, "options": options},
    }


def redis(url: str, database: int) -> str:
    """The Redis URL for a numbered database, on a socket or over TCP."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={database}"
    return parts._replace(path=f"/{database}").geturl()


def broker(url: str) -> str:
    """The same Redis in the words of Celery's transport."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host=1"
    return parts._replace(path="/1").geturl()
