"""The steps of script/check and script/test, each with a verdict; run by the environment's Python."""

import difflib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from config.embedded import temporary_services  # noqa: E402 (the checkout is no package)

SCHEMA = CHECKOUT / "docs" / "openapi.yaml"
SCHEMA_COMMAND = ("manage.py", "spectacular", "--validate", "--fail-on-warn")
Step = tuple[str, Callable[[], bool]]


def command(*words: str) -> Callable[[], bool]:
    """A step that runs Python with these words; its output is shown when it fails."""

    def run() -> bool:
        done = subprocess.run(
            (sys.executable, *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            print(done.stdout, flush=True)
        return done.returncode == 0

    return run


def schema_is_current() -> bool:
    """Whether the committed OpenAPI schema is what the code says now."""
    done = subprocess.run(
        (sys.executable, *SCHEMA_COMMAND), capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], flush=True)
        return False
    kept = SCHEMA.read_text(encoding="utf-8") if SCHEMA.exists() else ""
    lines = list(
        difflib.unified_diff(
            kept.splitlines(),
            done.stdout.splitlines(),
            "docs/openapi.yaml",
            "the code",
            lineterm="",
        )
    )
    if lines:
        print("\n".join(lines[:60]))
        print("\nIf it is meant: python manage.py spectacular --file docs/openapi.yaml", flush=True)
    return not lines


def tests(*options: str) -> Callable[[], bool]:
    """The step that runs pytest, its output straight to the terminal."""

    def run() -> bool:
        # conftest.py names the settings, after it has started the services of the tests.
        kept = {name: v for name, v in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        pytest = (sys.executable, "-m", "pytest", *options)
        return subprocess.run(pytest, env=kept, check=False).returncode == 0

    return run


# The longest first, because several run at a time.
LINT: tuple[Step, ...] = (
    ("types", command("-m", "mypy", ".")),
    ("lint", command("-m", "ruff", "check", ".")),
    ("format", command("-m", "ruff", "format", "--check", ".")),
    (
        "import contracts",
        command("-c", "from importlinter.cli import lint_imports_command as l; l()"),
    ),
    ("translations", command("script/messages", "--check")),
)
# These read the settings, so they need addresses, and the schema of the database is compared.
DJANGO: tuple[Step, ...] = (
    ("missing migrations", command("manage.py", "makemigrations", "--check", "--dry-run")),
    ("system check", command("manage.py", "check", "--fail-level", "WARNING")),
)
SCHEMA_STEP: Step = ("OpenAPI schema", schema_is_current)
# One process migrates for all workers of the tests, beside the other steps.
TABLES: Step = ("tables of the tests", command("-m", "config.testing"))


@contextmanager
def services() -> Iterator[None]:
    """A short-lived PostgreSQL and Redis for the steps that ask Django."""
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="dianwu-steps-", dir="/tmp") as folder:  # noqa: S108
        home = Path(folder)
        home.chmod(0o711)
        with temporary_services(home) as addresses:
            os.environ.update(addresses)
            try:
                yield
            finally:
                os.environ.clear()
                os.environ.update(kept)


def perform(step: Step) -> bool:
    """Run a step and print its verdict and time."""
    name, work = step
    begun = time.monotonic()
    passed = work()
    verdict = "passed" if passed else "FAILED"
    print(f"{name:<20} {verdict}  {time.monotonic() - begun:6.1f} s", flush=True)
    return passed


def perform_all(steps: Iterable[Step]) -> list[str]:
    """Run steps, as many at a time as there are cores; the names of those that failed."""
    named = list(steps)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [
            name
            for (name, _), passed in zip(named, pool.map(perform, named), strict=True)
            if not passed
        ]


def main() -> int:
    """`steps.py check|test [pytest options]`; 1 when any step failed, all of them are run."""
    kind, *given = sys.argv[1:]
    os.chdir(CHECKOUT)
    # Dozens of processes begin here, and would compile the whole product each.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with services():
        steps = () if kind == "check" else (TABLES, SCHEMA_STEP)
        failed = perform_all((*LINT[:1], *steps, *LINT[1:], *DJANGO))
    # Workers with services of their own, one more than two cores because some tests wait for
    # processes; conftest.py says what stays together.
    whole = ("-q", "-n", "3", "--no-loadscope-reorder")
    options = ("-q", "--quick", *given) if kind == "check" else (*whole, *given)
    begun = time.monotonic()
    print(flush=True)
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}\n", flush=True)
    # Last, so that pytest's own summary ends the output.
    if not tests(*options)():
        failed.append(f"tests ({time.monotonic() - begun:.0f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
