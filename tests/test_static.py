"""Static files: vendored with licences, hashed without dead references, styles for old browsers."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client

from core.static import HashedStatic

ROOT = Path(__file__).resolve().parent.parent
PINS = json.loads((ROOT / "script" / "vendor.json").read_text())
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def folder(package: dict[str, Any]) -> Path:
    name = package["name"].lstrip("@").replace("/", "-")
    return ROOT / package.get("into", "static/vendor") / name


@pytest.mark.parametrize("package", PINS["packages"], ids=lambda package: package["name"])
def test_vendored_packages_carry_version_digest_and_licence(package: dict[str, Any]) -> None:
    where = folder(package)
    kind, _, digest = package["integrity"].partition("-")

    assert (where / "VERSION").read_text().strip() == package["version"]
    assert kind == "sha512"
    assert len(base64.b64decode(digest)) == hashlib.sha512().digest_size
    assert any(re.search("LICEN[CS]E", file.name) for file in where.iterdir())
    assert all((where / name).exists() for name in package["files"].values())


def test_the_list_names_every_package_and_no_host() -> None:
    listed = (ROOT / "static/vendor/THIRD_PARTY.md").read_text()

    for package in PINS["packages"]:
        if "into" not in package:
            assert f"| {package['name']} | {package['version']} |" in listed
    assert "://" not in json.dumps(PINS)


def test_collected_files_have_hashed_names_and_no_dead_references(
    tmp_path: Path, settings: Any, client: Client, db: None
) -> None:
    settings.STATIC_ROOT = tmp_path

    call_command("collectstatic", interactive=False, verbosity=0)

    hashed = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    style = (tmp_path / hashed["ops/ops.css"]).read_text()
    for name in (name for name in hashed if re.fullmatch(r"ops/\w+\.js", name)):
        script = (tmp_path / hashed[name]).read_text()
        imported = re.findall(r"""(?:from |import\()"\./([\w.]+)\"""", script)
        assert set(imported) <= {Path(file).name for file in hashed.values()}, name
    assert re.search(r"inter-latin-wght-normal\.\w{12}\.woff2", style)
    assert (tmp_path / f"{hashed['vendor/echarts/echarts.common.min.js']}.gz").exists()
    assert HashedStatic(location=str(tmp_path), base_url="/static/").url("ops/ops.js") == (
        f"/static/{hashed['ops/ops.js']}"
    )


def test_without_a_manifest_names_are_plain_and_the_files_are_there(client: Client) -> None:
    url = staticfiles_storage.url("ops/ops.css")

    answer = client.get(url)

    assert url == "/static/ops/ops.css"
    assert answer.status_code == 200
    assert b"--font-sans" in answer.content
    assert "max-age=3600" in answer["Cache-Control"]


@pytest.mark.parametrize("path", sorted((ROOT / "static/ops").glob("*.css")), ids=lambda p: p.name)
def test_styles_are_for_browsers_of_the_baseline(path: Path) -> None:
    """Chromium 109 knows no oklch, color-mix, light-dark, @scope or nesting."""
    rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"oklch\(|color-mix\(|light-dark\(|@scope|&\s", rules)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_inline_code_or_style(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"\sstyle=|\son\w+=|hx-on|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
