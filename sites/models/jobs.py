"""Work that runs for one person in the background: how far it is, and what came of it."""

from __future__ import annotations

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.people import User
from sites.states import JOB_OPEN, JobState


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and nobody else's: a result holds what its owner may see."""
        return self.filter(owner_id=getattr(user, "pk", None))

    def open(self) -> Self:
        """Waiting or running."""
        return self.filter(state__in=JOB_OPEN)


class Job(models.Model):
    """One piece of background work. Moves only by sites.services, along sites.states.JOB.

    `heartbeat_at` is written each second by whoever runs it; a job whose heart stopped is failed by
    the sweep. `message` is what the owner is told, in the owner's language; `outcome` is what the
    kind's own page shows. Files are kept until `expires_at`.
    """

    kind = models.CharField(_("类型"), max_length=40)
    owner = models.ForeignKey(User, models.CASCADE, related_name="jobs", verbose_name=_("发起人"))
    facts = models.JSONField(_("参数"), default=dict, blank=True)
    state = models.CharField(_("状态"), max_length=12, choices=JobState, default=JobState.WAITING)
    created_at = models.DateTimeField(_("创建时间"))
    started_at = models.DateTimeField(_("开始时间"), null=True, blank=True)
    finished_at = models.DateTimeField(_("结束时间"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("心跳时间"), null=True, blank=True)
    cancel_asked_at = models.DateTimeField(_("要求取消的时间"), null=True, blank=True)
    expires_at = models.DateTimeField(_("文件保留至"), null=True, blank=True)
    done = models.PositiveIntegerField(_("已处理"), default=0)
    total = models.PositiveIntegerField(_("总数"), default=0)
    phase = models.CharField(_("阶段"), max_length=80, blank=True)
    message = models.TextField(_("说明"), blank=True)
    outcome = models.JSONField(_("结果"), default=dict, blank=True)
    source = models.FileField(_("上传的文件"), upload_to="jobs", blank=True)
    source_name = models.CharField(_("文件名"), max_length=200, blank=True)
    result = models.FileField(_("结果文件"), upload_to="jobs", blank=True)
    result_name = models.CharField(_("结果文件名"), max_length=200, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("后台任务")
        verbose_name_plural = pgettext_lazy("plural", "后台任务")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="job_of_owner"),
            models.Index(fields=["state"], condition=Q(state__in=JOB_OPEN), name="job_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=JOB_OPEN, finished_at__isnull=True)
                | (~Q(state__in=JOB_OPEN) & Q(finished_at__isnull=False)),
                name="job_ends_with_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether something may still come of it."""
        return self.state in JOB_OPEN

    @property
    def percent(self) -> int:
        """How far it is; 0 while the amount of work is not known."""
        return min(100, 100 * self.done // self.total) if self.total else 0
