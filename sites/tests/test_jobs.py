"""Background jobs: once, alone, undone when they fail, noticed when their worker dies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.errors import Invalid, MoveRefused, NotFound
from sites import services
from sites.models import Job, Team, User
from sites.services import jobs, running
from sites.services.jobs import Outcome, Progress, Refused, Work, register
from sites.states import JOB, JobMove, JobState
from sites.tests.factories import make_job, make_organisation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def owner() -> User:
    return make_user("owner", language="zh-hans")


def submit(owner: User, run: Any, **facts: Any) -> Job:
    register(Work("one-off", "一次性", run))
    return services.submit_job(kind="one-off", owner=owner, now=timezone.now(), **facts)


def test_a_job_is_done_once_and_keeps_its_file(owner: User) -> None:
    job = make_job(owner, words="报表", is_run=False)

    assert services.run_job(job_id=job.pk)
    assert not services.run_job(job_id=job.pk), "a second message did it again"

    job.refresh_from_db()
    assert (job.state, job.message, job.outcome) == ("done", "Done: 报表", {"words": "报表"})
    assert job.result.read().decode() == "报表"
    assert (job.done, job.total) == (3, 3)


def test_a_failure_undoes_the_work_and_says_why(owner: User) -> None:
    organisation = make_organisation()

    def work(_job: Job, _progress: Progress) -> Outcome:
        Team.objects.create(name="半途", organisation=organisation)
        raise Refused(Outcome("第 3 行有误", {"errors": 1}, b"marked", "errors.xlsx"))

    job = submit(owner, work)
    services.run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.message, job.result_name) == ("failed", "第 3 行有误", "errors.xlsx")
    assert not Team.objects.filter(name="半途").exists()


def test_an_error_of_ours_is_told_without_its_words_and_raised(owner: User) -> None:
    def work(_job: Job, _progress: Progress) -> Outcome:
        raise ZeroDivisionError("internal")

    job = submit(owner, work)
    with pytest.raises(ZeroDivisionError):
        services.run_job(job_id=job.pk)

    job.refresh_from_db()
    assert job.state == "failed"
    assert "internal" not in job.message
    assert "内部错误" in job.message


def test_a_waiting_job_is_cancelled_at_once(owner: User) -> None:
    job = make_job(owner, is_run=False)

    services.cancel_job(job_id=job.pk, by=owner, now=timezone.now())

    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert not services.run_job(job_id=job.pk)
    with pytest.raises(MoveRefused):
        services.cancel_job(job_id=job.pk, by=owner, now=timezone.now())


def test_a_running_job_stops_at_its_next_step_and_keeps_nothing(owner: User) -> None:
    organisation = make_organisation()
    pulses: list[running.Pulse] = []

    def work(job: Job, progress: Progress) -> Outcome:
        Team.objects.create(name="半途", organisation=organisation)
        services.cancel_job(job_id=job.pk, by=owner, now=timezone.now())
        pulse = progress.__self__  # type: ignore[attr-defined]
        pulse.beat()
        pulses.append(pulse)
        progress(1, 2, "第二步")
        raise AssertionError("went on")

    job = submit(owner, work)
    services.run_job(job_id=job.pk)

    job.refresh_from_db()
    assert pulses
    assert job.state == JobState.CANCELLED
    assert not Team.objects.filter(name="半途").exists()


def test_a_dead_worker_is_noticed_and_its_late_end_counts_for_nothing(owner: User) -> None:
    job = make_job(owner, is_run=False)
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(state="running", started_at=now, heartbeat_at=now)

    services.sweep_jobs(now=now + timedelta(seconds=30))
    job.refresh_from_db()
    assert job.state == "running", "given up too early"

    services.sweep_jobs(now=now + timedelta(seconds=90))
    job.refresh_from_db()
    assert job.state == "failed"
    assert "中断" in job.message
    assert not jobs.end(job_id=job.pk, move=JobMove.FINISH, now=now, outcome=Outcome("好"))
    assert Job.objects.get(pk=job.pk).state == "failed"


def test_what_was_lost_is_sent_again(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def note(job_id: int, *, expires_s: int) -> None:
        assert expires_s > 0
        sent.append(job_id)

    monkeypatch.setattr(jobs, "send", note)
    job = make_job(owner, is_run=False)

    services.sweep_jobs(now=job.created_at + timedelta(seconds=10))
    assert sent == []
    services.sweep_jobs(now=job.created_at + timedelta(seconds=90))
    assert sent == [job.pk]
    services.sweep_jobs(now=job.created_at + timedelta(hours=25))
    assert Job.objects.get(pk=job.pk).state == "failed"


def test_files_go_first_then_the_row(owner: User) -> None:
    job = make_job(owner)
    assert job.finished_at

    services.sweep_jobs(now=job.finished_at + timedelta(days=8))
    job.refresh_from_db()
    assert not job.result
    assert job.result_name
    services.sweep_jobs(now=job.finished_at + timedelta(days=91))
    assert not Job.objects.filter(pk=job.pk).exists()


def test_nobody_fills_the_queue(owner: User) -> None:
    for _number in range(jobs.MOST_OPEN):
        make_job(owner, is_run=False)

    with pytest.raises(Invalid):
        make_job(owner, is_run=False)


def test_a_job_is_its_owners_alone(owner: User) -> None:
    job = make_job(owner)
    other = make_user("other", is_superuser=True)

    with pytest.raises(NotFound):
        services.cancel_job(job_id=job.pk, by=other, now=timezone.now())
    client = Client()
    client.force_login(other)
    assert client.get(f"/jobs/{job.pk}/file/").status_code == 404
    client.force_login(owner)
    answer = client.get(f"/jobs/{job.pk}/file/")
    assert b"".join(answer.streaming_content).decode() == "ok"
    assert "attachment" in answer["Content-Disposition"]


def test_the_page_asks_again_only_while_the_job_is_open(owner: User, client: Client) -> None:
    waiting = make_job(owner, is_run=False)
    ended = make_job(owner)
    client.force_login(owner)

    assert "hx-get" in client.get(f"/jobs/{waiting.pk}/", headers={"HX-Request": "true"}).text
    assert "hx-get" not in client.get(f"/jobs/{ended.pk}/", headers={"HX-Request": "true"}).text
    assert "hx-trigger" in client.get("/jobs/").text


def test_every_state_is_reached_and_every_open_one_left() -> None:
    assert {JOB.initial.value} | {edge.target.value for edge in JOB.edges} == set(JobState.values)
    assert {edge.source.value for edge in JOB.edges} == {"waiting", "running"}
