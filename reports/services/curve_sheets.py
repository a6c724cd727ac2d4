"""Tables of curves as files, made in the background: months of samples without filling the memory."""

from collections.abc import Iterator
from datetime import datetime
from tempfile import TemporaryFile
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from core import sheets
from core.errors import Invalid
from reports.selectors.curve_query import CurveQuery, query_of
from reports.selectors.curve_sheets import Cells, head_of, rows_of
from reports.selectors.curve_table import CurveTable
from sites.models import Job, User
from sites.services import submit_job
from sites.services.jobs import Outcome, Progress, Work, register

KIND = "curves-sheet"


def ask_sheet(*, user: User, query: CurveQuery, step: str, kind: str, now: datetime) -> Job:
    """Have the whole table made as csv or xlsx. Raises Invalid for nonsense or too many jobs.

    A period up to now ends now, however late the job is done; rights are those when it is done.
    """
    if not query.points:
        raise Invalid(fields={"point": [_("请选择 1 至 12 个测点。")]})
    if kind not in sheets.FORMATS:
        raise Invalid(fields={"kind": [_("请选择有效的选项。")]})
    table = CurveTable(query.over(query.start, query.end), step=step)
    facts = {
        "query": table.query.text,
        "step": table.step,
        "kind": kind,
    }
    return submit_job(kind=KIND, owner=user, now=now, facts=facts)


def _make(job: Job, progress: Progress) -> Outcome:
    facts = job.facts
    query = query_of(user=job.owner, given=QueryDict(facts["query"]), now=job.created_at)
    table = CurveTable(query, step=facts["step"])
    file = TemporaryFile()  # noqa: SIM115 - closed with the last reference, after it was kept
    written = _Written(table, progress)
    sheets.save(file, kind=facts["kind"], head=head_of(table), rows=written.rows())
    file.seek(0)
    since = query.start.astimezone(ZoneInfo(query.zone))
    words = pgettext("file", "曲线")
    name = f"{words}-{since:%Y%m%dT%H%M}-{table.step}.{facts['kind']}"
    told = _("已导出 %(count)s 行。") % {"count": f"{written.count:,}"}
    return Outcome(told, {"rows": written.count}, file_name=name, file=file)


class _Written:
    """Rows on their way into the file, counted; the progress is told in minutes of the period."""

    def __init__(self, table: CurveTable, progress: Progress) -> None:
        self.table, self.progress, self.count = table, progress, 0

    def rows(self) -> Iterator[Cells]:
        start, end = self.table.query.start.timestamp(), self.table.query.end.timestamp()
        total = max(1, round((end - start) / 60))
        self.progress(0, total, _("正在读取"))
        for block in self.table.blocks():
            for row in rows_of(self.table, block):
                yield row
                self.count += 1
            done = round((float(block.at[-1]) - start) / 60)
            self.progress(min(max(done, 0), total), total, _("正在写入"))
        self.progress(total, total, _("正在写入"))


def register_works() -> None:
    """Make the kind of job known."""
    register(Work(KIND, gettext_lazy("曲线导出"), _make))
