"""Pages that document the API: a quick start, and the operations of each group."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.reference import Group, Operation, groups


def titles() -> dict[str, str]:
    """Names of the groups in the reader's language."""
    return {
        "acceptances": pgettext("plural", "设备验收"),
        "alarms": pgettext("plural", "告警"),
        "calendar": _("日历"),
        "changes": _("变更记录"),
        "control-operations": pgettext("plural", "遥控操作"),
        "collection": _("采集监视"),
        "curves": _("曲线"),
        "derived-points": pgettext("plural", "计算测点"),
        "documents": _("档案文件"),
        "devices": pgettext("plural", "设备"),
        "exchanges": pgettext("plural", "换表记录"),
        "repairs": pgettext("plural", "数据修正"),
        "gateways": pgettext("plural", "网关"),
        "hall": _("工作大厅"),
        "ingest": _("数据上送"),
        "jobs": _("后台任务"),
        "lockouts": pgettext("plural", "检修闭锁"),
        "me": _("我的"),
        "mqtt-brokers": pgettext("plural", "MQTT 服务器"),
        "orders": pgettext("plural", "工单"),
        "photos": _("照片"),
        "plans": pgettext("plural", "计划"),
        "points": pgettext("plural", "测点"),
        "search": _("搜索"),
        "sheets": _("表格导入导出"),
        "sites": pgettext("plural", "站点"),
        "templates": pgettext("plural", "设备模板"),
        "tasks": pgettext("plural", "任务"),
        "tokens": _("令牌"),
        "tree": _("设备树"),
        "views": _("保存的视图"),
    }


def _told(group: Group, root: str) -> list[dict[str, object]]:
    is_chinese = get_language() == settings.LANGUAGE_CODE
    return [
        {
            "it": operation,
            "words": operation.words_zh if is_chinese else operation.words,
            "examples": [(example, example.curl(root)) for example in operation.examples],
            "parts": _parts(operation),
        }
        for operation in group.operations
    ]


def _parts(operation: Operation) -> list[tuple[str, str, list[object]]]:
    parts = [
        (_("参数"), "", operation.parameters),
        (_("请求体"), operation.body_kind, operation.body),
        (_("应答"), f"{operation.status} {operation.answer_kind}", operation.answer),
    ]
    return [(title, kind, list(rows)) for title, kind, rows in parts if rows]


def _context(request: HttpRequest, chosen: str = "") -> dict[str, object]:
    root = f"{request.scheme}://{request.get_host()}"
    names = titles()
    listed = [(key, names.get(key, key), _told(group, root)) for key, group in groups().items()]
    return {"listed": listed, "chosen": chosen, "root": root}


@login_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """How to begin, and every operation with a sentence."""
    return render(request, "config/docs_start.html", _context(request))


@login_required
@require_safe
def group(request: HttpRequest, key: str) -> HttpResponse:
    """The operations of one group with fields, refusals and examples."""
    if key not in groups():
        raise Http404
    context = _context(request, key)
    name = titles().get(key, key)
    operations = _told(groups()[key], str(context["root"]))
    return render(
        request, "config/docs_group.html", context | {"title": name, "operations": operations}
    )
