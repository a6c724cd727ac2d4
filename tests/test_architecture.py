"""The house keeps its shape: what a reviewer would otherwise have to look for by hand."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
APPS = ["core", "sites", "devices", "alarms", "workorders", "reports", "config"]
HOUSE = [*APPS, "benchmarks"]

# A module past the limit needs a sentence that says why it is still one subject.
LONG_MODULES: dict[str, str] = {
    "benchmarks/inside/region.py": "Every table of a district in the order of its keys.",
}
MODULE_LIMIT = 400


def modules(folders: list[str]) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not {"migrations", "tests"} & set(path.parts)
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", modules(HOUSE), ids=name_of)
def test_module_has_one_subject_and_a_sentence(path: Path) -> None:
    text = path.read_text()

    assert len(text.splitlines()) <= MODULE_LIMIT or name_of(path) in LONG_MODULES
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{name_of(path)} does not say what it holds"


@pytest.mark.parametrize("path", modules(APPS), ids=name_of)
def test_no_model_signals(path: Path) -> None:
    assert "django.db.models.signals" not in path.read_text()


@pytest.mark.parametrize("path", modules(APPS), ids=name_of)
def test_no_clock_without_a_zone(path: Path) -> None:
    for call in (
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ):
        source = ast.unparse(call)
        assert not re.match(r"datetime\.(now\(\)|utcnow\()", source), f"{name_of(path)}: {source}"


def exported(app: str) -> set[str]:
    """What the app's room of services offers to the doors."""
    path = ROOT / app / "services" / "__init__.py"
    for node in ast.parse(path.read_text()).body if path.exists() else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def services() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    found = []
    for app in APPS:
        names = exported(app)
        for path in (path for path in modules([app]) if path.parent.name == "services"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in names:
                    found.append((f"{name_of(path)}:{node.name}", node))
    return found


@pytest.mark.parametrize(("where", "service"), services(), ids=[where for where, _ in services()])
def test_services_are_keyword_only_typed_and_documented(
    where: str, service: ast.FunctionDef | ast.AsyncFunctionDef
) -> None:
    assert not service.args.args, f"{where} takes positional arguments"
    assert service.returns is not None, f"{where} does not say what it returns"
    assert ast.get_docstring(service), f"{where} is not documented"


def tasks() -> list[tuple[str, ast.FunctionDef]]:
    found = []
    for path in modules(APPS):
        # Not the services of planned work, which bear the same name.
        if path.stem == "tasks" and path.parent.name != "services":
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and node.decorator_list:
                    found.append((f"{name_of(path)}:{node.name}", node))
    return found


@pytest.mark.parametrize(("where", "task"), tasks(), ids=[where for where, _task in tasks()])
def test_tasks_are_thin_doors(where: str, task: ast.FunctionDef) -> None:
    assert not task.args.args, f"{where} takes positional arguments"
    assert task.args.kwarg is not None, f"{where} breaks when a newer publisher adds an argument"
    assert (task.end_lineno or 0) - task.lineno <= 10, f"{where} is no door"


def test_label_of_contrib_sites_is_free() -> None:
    assert "django.contrib.sites" not in settings.INSTALLED_APPS


def test_no_path_of_a_machine_and_no_registry_host() -> None:
    hosts = re.compile(r"registry\.npmjs|files\.pythonhosted|pypi\.org|deb\.debian|npmmirror")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for path in (ROOT / name for name in listed if name and "vendor" not in name):
        if path == Path(__file__) or not path.is_file():
            continue
        text = path.read_text(errors="ignore")
        found = hosts.search(text) or re.search(re.escape(str(ROOT)) + r"\b", text)
        assert not found, f"{name_of(path)}: {found}"


def test_every_variable_is_in_the_operators_guide() -> None:
    source = (ROOT / "config" / "env.py").read_text()
    guide = (ROOT / "docs" / "operator.md").read_text()

    declared = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    declared -= {"DIANWU_EMBEDDED"}  # set by the supervisor for its children, not by people
    assert declared
    assert {name for name in declared if f"`{name}`" not in guide} == set()
