"""The life of a background job."""

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from core.transitions import Edge, Life


class JobState(TextChoices):
    WAITING = "waiting", pgettext_lazy("job state", "等待中")
    RUNNING = "running", pgettext_lazy("job state", "执行中")
    DONE = "done", pgettext_lazy("job state", "已完成")
    FAILED = "failed", pgettext_lazy("job state", "失败")
    CANCELLED = "cancelled", pgettext_lazy("job state", "已取消")


class JobMove(TextChoices):
    START = "start", pgettext_lazy("job move", "开始")
    FINISH = "finish", pgettext_lazy("job move", "完成")
    FAIL = "fail", pgettext_lazy("job move", "失败")
    CANCEL = "cancel", pgettext_lazy("job move", "取消")


JOB = Life(
    initial=JobState.WAITING,
    edges=[
        Edge(JobState.WAITING, JobMove.START, JobState.RUNNING),
        Edge(JobState.WAITING, JobMove.CANCEL, JobState.CANCELLED),
        Edge(JobState.WAITING, JobMove.FAIL, JobState.FAILED),
        Edge(JobState.RUNNING, JobMove.FINISH, JobState.DONE),
        Edge(JobState.RUNNING, JobMove.FAIL, JobState.FAILED),
        Edge(JobState.RUNNING, JobMove.CANCEL, JobState.CANCELLED),
    ],
)

JOB_OPEN = (JobState.WAITING.value, JobState.RUNNING.value)
