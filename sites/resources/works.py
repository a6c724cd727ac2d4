"""Export, dry run and import as background jobs."""

from datetime import datetime
from typing import IO, Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from core.errors import Forbidden, Invalid, NotFound
from sites import selectors, services
from sites.models import Job, User, access_for
from sites.resources import applying, books, files
from sites.resources.planning import (
    ADDED,
    CHANGED,
    SAME,
    WRONG,
    Line,
    Part,
    Progress,
    fingerprint,
    plan,
)
from sites.resources.sheets import Sheet, every_sheet, sheet_named
from sites.rules import Ability
from sites.services.jobs import Outcome, Refused, Work, register
from sites.states import JobState

EXPORT, CHECK, IMPORT = "sheets-export", "sheets-check", "sheets-import"
# Rows that the page of a dry run shows; the file has all of them.
SHOWN = 200


def require_sheets(user: User) -> None:
    """The door of the sheets. Raises Forbidden without the ability to maintain anything."""
    if not access_for(user).has_anywhere(Ability.MANAGE_SITE):
        raise Forbidden


def ask_export(*, user: User, keys: list[str], is_csv: bool, now: datetime) -> Job:
    """Export these sheets. Raises Forbidden, or Invalid for none, unknown ones, several as .csv."""
    require_sheets(user)
    sheets = chosen(keys)
    if is_csv and len(sheets) != 1:
        raise Invalid(fields={"kinds": [_("CSV 文件只能包含一类档案。")]})
    facts = {"kinds": [sheet.key for sheet in sheets], "csv": is_csv}
    return services.submit_job(kind=EXPORT, owner=user, now=now, facts=facts)


def ask_check(*, user: User, file: IO[bytes], name: str, kind: str, now: datetime) -> Job:
    """Compare a file with what is stored. Raises Forbidden, Invalid for an unknown kind."""
    require_sheets(user)
    if kind:
        chosen([kind])
    elif name.lower().endswith(".csv"):
        raise Invalid(fields={"kind": [_("CSV 文件请选择其内容是哪一类档案。")]})
    facts = {"kind": kind}
    return services.submit_job(
        kind=CHECK, owner=user, now=now, facts=facts, file=file, file_name=name
    )


def ask_import(*, user: User, check_id: int, now: datetime) -> Job:
    """Do what a dry run showed. Raises NotFound, or Invalid when it was not clean or is too old."""
    require_sheets(user)
    check = selectors.job_for(user=user, pk=check_id)
    if check.kind != CHECK:
        raise NotFound
    if check.state != JobState.DONE or not check.outcome.get("is_clean") or not check.source:
        raise Invalid(_("该文件没有通过核对，或已过期，请重新上传。"))
    facts = {
        "kind": check.facts.get("kind", ""),
        "check": check.pk,
        "fingerprint": check.outcome["fingerprint"],
    }
    try:
        with check.source.open("rb") as file:
            return services.submit_job(
                kind=IMPORT,
                owner=user,
                now=now,
                facts=facts,
                file=file,
                file_name=check.source_name,
            )
    except FileNotFoundError:
        raise Invalid(_("该文件没有通过核对，或已过期，请重新上传。")) from None


def chosen(keys: list[str]) -> list[Sheet]:
    """The sheets of these keys, in their order. Raises Invalid for none and for unknown ones."""
    wanted = {sheet.key for sheet in map(sheet_named, keys) if sheet is not None}
    if not wanted or len(wanted) != len(set(keys)):
        raise Invalid(fields={"kinds": [_("请选择档案类别。")]})
    return [sheet for sheet in every_sheet() if sheet.key in wanted]


def _export(job: Job, progress: Progress) -> Outcome:
    sheets = chosen(job.facts["kinds"])
    require_sheets(job.owner)
    is_csv = job.facts["csv"]
    content = books.export(sheets, user=job.owner, progress=progress, is_csv=is_csv)
    label = sheets[0].label if len(sheets) == 1 else _("档案")
    name = f"{label}-{timezone.localtime(job.created_at):%Y%m%d-%H%M}"
    return Outcome(_("已导出。"), {}, content, f"{name}.{'csv' if is_csv else 'xlsx'}")


def _check(job: Job, progress: Progress) -> Outcome:
    content, parts = _planned(job, progress)
    return _verdict(job, content, parts)


def _import(job: Job, progress: Progress) -> Outcome:
    content, parts = _planned(job, progress)
    if _wrong(parts):
        raise Refused(_verdict(job, content, parts))
    if fingerprint(parts) != job.facts["fingerprint"]:
        raise Invalid(_("核对之后档案又被修改过，没有导入。请重新上传并核对。"))
    done = applying.apply(parts, progress=progress)
    text = ngettext("已导入，写入 %(done)d 行。", "已导入，写入 %(done)d 行。", done)
    return Outcome(text % {"done": done}, _facts(parts))


def _planned(job: Job, progress: Progress) -> tuple[bytes, list[Part]]:
    require_sheets(job.owner)
    progress(0, 0, _("正在读取文件"))
    with job.source.open("rb") as file:
        content = file.read()
    tables = files.read_tables(content, name=job.source_name)
    parts = plan(tables, user=job.owner, kind=job.facts.get("kind", ""), progress=progress)
    return content, parts


def _verdict(job: Job, content: bytes, parts: list[Part]) -> Outcome:
    facts = _facts(parts)
    wrong = _wrong(parts)
    if wrong:
        text = ngettext(
            "有 %(count)d 行有误，没有保存任何内容。请在结果文件中改正后重新上传。",
            "有 %(count)d 行有误，没有保存任何内容。请在结果文件中改正后重新上传。",
            wrong,
        )
        stem = job.source_name.rpartition(".")[0] or job.source_name
        problems = pgettext("file", "问题")
        name = f"{stem}-{problems}.xlsx"
        if marked := books.marked(content, parts):
            return Outcome(text % {"count": wrong}, facts, marked, name)
        text = ngettext(
            "有 %(count)d 行有误，没有保存任何内容。文件过大，问题只列在本页；请拆成较小的文件。",
            "有 %(count)d 行有误，没有保存任何内容。文件过大，问题只列在本页；请拆成较小的文件。",
            wrong,
        )
        return Outcome(text % {"count": wrong}, facts)
    changed = sum(part.count(ADDED) + part.count(CHANGED) for part in parts)
    if not changed:
        return Outcome(_("文件与现有档案一致，没有需要导入的内容。"), facts)
    text = ngettext(
        "核对完毕，将写入 %(count)d 行。确认后才会保存。",
        "核对完毕，将写入 %(count)d 行。确认后才会保存。",
        changed,
    )
    return Outcome(text % {"count": changed}, facts)


def _wrong(parts: list[Part]) -> int:
    return sum(part.count(WRONG) for part in parts)


def _facts(parts: list[Part]) -> dict[str, Any]:
    """For the page: counts per sheet, the first rows that differ, and what would be written."""
    sheets: list[dict[str, Any]] = [
        {
            "key": part.sheet.key,
            "label": part.sheet.label,
            **{status: part.count(status) for status in (ADDED, CHANGED, SAME, WRONG)},
        }
        for part in parts
    ]
    to_write = sum(sheet[ADDED] + sheet[CHANGED] for sheet in sheets)
    differing = [
        (part, line)
        for status in (WRONG, CHANGED, ADDED)
        for part in parts
        for line in part.lines
        if line.status == status
    ]
    return {
        "sheets": sheets,
        "rows": [_shown(part, line) for part, line in differing[:SHOWN]],
        "more": max(0, len(differing) - SHOWN),
        "is_clean": bool(to_write) and not _wrong(parts),
        "to_write": to_write,
        "fingerprint": fingerprint(parts),
    }


def _name(line: Line) -> str:
    """What the row is called; a broken new one may not even know that."""
    try:
        return str(line.old or line.row or "")
    except ObjectDoesNotExist:
        return ""


def _shown(part: Part, line: Line) -> dict[str, Any]:
    headers = {column.name: column.header for column in part.sheet.columns}
    return {
        "sheet": part.sheet.label,
        "row": line.number,
        "status": line.status,
        "name": _name(line)[:120],
        "changes": [[headers[name], *pair] for name, pair in line.changes.items()],
        "problems": [
            {
                "cell": files.place(problem.column, line.number) if problem.column >= 0 else "",
                "label": problem.label,
                "message": problem.message,
            }
            for problem in line.problems
        ],
    }


def register_works() -> None:
    """Make the three kinds of job known."""
    register(Work(EXPORT, gettext_lazy("档案导出"), _export))
    register(Work(CHECK, gettext_lazy("档案核对"), _check, part="sites/_sheet_verdict.html"))
    register(Work(IMPORT, gettext_lazy("档案导入"), _import, part="sites/_sheet_verdict.html"))
