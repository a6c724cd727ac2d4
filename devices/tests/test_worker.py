"""The poll worker as it runs in service: a Celery worker with one process and one thread."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date

import pytest
from django.conf import settings
from django.db import connection

from config.celery import app
from devices import history
from devices.models import Device, PollShard
from devices.services.lease import has_owner
from devices.services.plan import planned_version
from devices.tasks import keep_partitions, sweep_links
from devices.tests.factories import make_bus, make_device, make_gateway
from devices.tests.meters import Meter, listening

SHARD = 83
PATIENCE_S = 40


@pytest.fixture
def device(transactional_db: None) -> Iterator[Device]:
    """A device that answers at a socket."""
    with listening() as line:
        gateway = make_gateway(shard=SHARD, period_s=1)
        made = make_device(bus=make_bus(gateway=gateway, port=line.port))
        meter = Meter(planned_version(made.template_version).profile)
        meter.show({"Ua": 230.5})
        line.units[made.unit_id] = meter
        yield made
    history.drop_partitions(before=date.max)


@pytest.fixture
def worker(device: Device) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the device's shard on the tests' database."""
    url = os.environ["DATABASE_URL"]
    named = url.replace("/dianwu?", f"/{connection.settings_dict['NAME']}?")
    assert named != url
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "-Q",
        f"poll.{SHARD}",
        "-P",
        "solo",
        "-n",
        "poll-test@%h",
        "--without-mingle",
        "--without-gossip",
    ]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=settings.BASE_DIR, env=os.environ | {"DATABASE_URL": named}
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(10)


def tick() -> None:
    app.send_task(
        "devices.tasks.poll_shard", kwargs={"shard": SHARD}, queue=f"poll.{SHARD}", expires=1.0
    )


def until(is_so: object, *, ticking: bool = True) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        if ticking:
            tick()
        time.sleep(0.5)


def samples() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reading")
        return int(cursor.fetchone()[0])


@pytest.mark.slow
def test_a_worker_polls_with_ticks_or_without_and_gives_up_its_shard_when_told_to_stop(
    device: Device, worker: subprocess.Popen[bytes]
) -> None:
    until(lambda: samples() >= 2, ticking=False)
    begun = samples()
    until(lambda: samples() >= begun + 3)
    device.refresh_from_db()
    shard = PollShard.objects.get(pk=SHARD)
    assert device.is_online is True
    assert (shard.fence, str(worker.pid) in shard.owner.split()) == (1, True)
    assert has_owner(SHARD)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_S) == 0
    assert not has_owner(SHARD)


@pytest.mark.django_db
def test_partitions_are_kept_ahead_and_within_the_retention() -> None:
    history.ensure_partitions([date(2020, 1, 1)])

    keep_partitions()

    days = [partition.day for partition in history.partitions()]
    assert len(days) == 3
    assert (days[1] - days[0]).days == (days[2] - days[1]).days == 1


@pytest.mark.django_db
def test_the_sweep_runs_without_anything_to_sweep() -> None:
    sweep_links()
