"""What a test run leaves to later ones: the tables that it began with, for products too."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# A run upon a checkout of its own, one of whose migrations changes before it ends.
RUN = """
import os, sys
from pathlib import Path
import psycopg
from config import testing

home = Path(sys.argv[1])
testing.ROOT, testing.CHECKOUT = home, home / "checkout"
migration = testing.CHECKOUT / "app" / "migrations" / "0001_initial.py"
migration.parent.mkdir(parents=True)
migration.write_text("# as it was")
testing.begin()
before = testing._kept()
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("CREATE DATABASE test_made")
with psycopg.connect(os.environ["DATABASE_URL"], dbname="test_made") as connection:
    connection.execute("CREATE TABLE migrated ()")
testing.make_template("test_made")
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("SELECT FROM migrated")
migration.write_text("# as it is now")
testing.end()
assert before.exists()
assert not testing._kept().exists()
"""


@pytest.mark.slow
def test_tables_are_kept_as_those_of_the_migrations_at_the_beginning(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, home], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
