"""Somebody changes a cell of an export, uploads it, looks at the difference, confirms."""

from __future__ import annotations

import io
from typing import Any

from django.utils import timezone
from openpyxl import load_workbook

from devices.models import Device
from sites import services
from sites.models import Job
from sites.resources import works
from tests.browser.world import World
from tests.browsing import PHONE, Visit


def run_last() -> None:
    """What the worker does."""
    services.run_job(job_id=Job.objects.latest("pk").pk)


def test_upload_difference_confirm_done(
    world: World, visit: Visit, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    ana = visit(world.cast.ana)
    job = works.ask_export(user=world.cast.ana, keys=["devices"], is_csv=False, now=timezone.now())
    services.run_job(job_id=job.pk)
    job.refresh_from_db()
    book = load_workbook(io.BytesIO(job.result.read()))
    book["设备"]["F2"] = "402 电表"
    path = tmp_path / "设备.xlsx"
    book.save(path)

    page = ana.open("/sheets/")
    page.set_input_files("input[type=file]", str(path))
    page.get_by_role("button", name="上传并核对").click()
    page.wait_for_selector("#job[data-state=waiting]")
    run_last()
    page.wait_for_selector("#job[data-state=done]")
    assert page.locator(".diff del").inner_text() == "401 电表"
    assert page.locator(".diff ins").inner_text() == "402 电表"
    page.get_by_role("button", name="确认导入").click()
    page.wait_for_selector("#job[data-state=waiting]")
    run_last()
    page.wait_for_selector("#job[data-state=done]")

    assert Device.objects.get(pk=world.device.pk).name == "402 电表"
    assert ana.complaints() == []
    phone = visit(world.cast.ana, size=PHONE)
    phone.open("/sheets/")
    assert phone.sideways() == 0
