"""What a person says about a task or a plan."""

from datetime import date
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from sites.models import Site, Team, User
from sites.rules import Ability
from workorders import selectors
from workorders.forms.orders import text_area
from workorders.models import Task, TaskPlan
from workorders.rules import TITLE_LENGTH
from workorders.services import PlanFacts
from workorders.states import TASK_NEEDS, Recurrence, TaskMove

PICTURES = "image/jpeg,image/png,image/webp"


def day_field(label: Any, **options: Any) -> forms.DateField:
    """A day as the browser's own field gives it."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d"], **options)


class FilesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """No picture, one or several."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Each file by itself; none is an empty list."""
        given = data if isinstance(data, list | tuple) else [data]
        found = [super(PicturesField, self).clean(one, initial) for one in given if one]
        return [one for one in found if one]


class TaskForm(forms.Form):
    """A new task at a site, or another wording or due day of an open one."""

    title = forms.CharField(label=_("标题"), max_length=TITLE_LENGTH)
    title_en = forms.CharField(label=_("英文标题"), max_length=TITLE_LENGTH, required=False)
    due_on = day_field(_("到期日"))
    instructions = forms.CharField(label=_("工作内容"), required=False, widget=text_area(5))
    seen = forms.CharField(widget=forms.HiddenInput, required=False)


class TaskMoveForm(forms.Form):
    """What one move must be given, and a note where none is asked for."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, files: Any = None, *, task: Task, move: TaskMove) -> None:
        super().__init__(data, files, prefix=move.value)
        needs = TASK_NEEDS.get(move, ())
        if "assignee" in needs:
            people = selectors.task_assignees_for(site=task.site).exclude(pk=task.assignee_id or 0)
            self.fields["assignee"] = forms.ModelChoiceField(
                label=_("执行人"), queryset=people, empty_label=_("请选择")
            )
        if "result" in needs:
            self.fields["result"] = forms.CharField(
                label=_("完成情况"), widget=text_area(4), initial=task.result
            )
            self.fields["photos"] = PicturesField(
                label=_("照片"),
                required=False,
                widget=FilesInput(attrs={"accept": PICTURES, "data-preview": "result-previews"}),
                help_text=_("可一次选择多张，或直接拍照。"),
            )
        else:
            label = _("原因") if "note" in needs else _("说明")
            self.fields["note"] = forms.CharField(
                label=label, required="note" in needs, widget=text_area(2)
            )
        self.fields["seen"].initial = task.seen


class PlanForm(forms.Form):
    """A plan of a team: what, where, when."""

    name = forms.CharField(label=_("名称"), max_length=120)
    name_en = forms.CharField(label=_("英文名称"), max_length=160, required=False)
    is_whole_team = forms.BooleanField(
        label=_("班组的全部站点"),
        required=False,
        help_text=_("以后划入该班组的站点也会自动生成任务。"),
    )
    sites = forms.ModelMultipleChoiceField(
        label=_("站点"),
        queryset=Site.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    instructions = forms.CharField(label=_("工作内容"), required=False, widget=text_area(5))
    recurrence = forms.ChoiceField(
        label=_("周期"), choices=Recurrence.choices, initial=Recurrence.MONTHLY
    )
    every = forms.IntegerField(
        label=_("间隔"),
        initial=1,
        min_value=1,
        max_value=60,
        help_text=_("每几周或每几个月一次。"),
    )
    first_due_on = day_field(
        _("首次到期日"), help_text=_("每月 31 日到期的任务，在小月于最后一天到期。")
    )
    ends_on = day_field(_("结束日期"), required=False, help_text=_("不填则一直执行。"))
    days_to_do = forms.IntegerField(
        label=_("完成天数"),
        initial=3,
        min_value=1,
        max_value=90,
        help_text=_("到期日之前（含当天）可以执行的天数。"),
    )
    lead_days = forms.IntegerField(
        label=_("提前生成天数"),
        initial=7,
        min_value=0,
        max_value=180,
        help_text=_("任务在可以开始之前多少天出现。"),
    )

    def __init__(self, *args: Any, team: Team | None = None, user: User, **kwargs: Any) -> None:
        """Without a team there are no sites to choose: enough for the preview of the days."""
        super().__init__(*args, **kwargs)
        self.team = team
        if team is None:
            return
        sites = Site.objects.visible_to(user, ability=Ability.PLAN_TASK).filter(team=team)
        self.fields["sites"].queryset = sites.order_by("number")  # type: ignore[attr-defined]
        self.fields["sites"].label_from_instance = lambda site: f"{site.number} {site.label}"  # type: ignore[attr-defined]

    def facts(self) -> PlanFacts:
        """What was said, for the services; of a valid form."""
        said = dict(self.cleaned_data)
        said["sites"] = list(said["sites"])
        return PlanFacts(team=cast(Team, self.team), **said)

    @staticmethod
    def initial_of(plan: TaskPlan) -> dict[str, Any]:
        """The plan as the form shows it."""
        names = (
            "name",
            "name_en",
            "is_whole_team",
            "instructions",
            "recurrence",
            "every",
            "first_due_on",
            "ends_on",
            "days_to_do",
            "lead_days",
        )
        found = {name: getattr(plan, name) for name in names}
        return found | {"sites": list(plan.sites.values_list("pk", flat=True))}


class CalendarForm(forms.Form):
    """Which days of the calendar are asked for; anything else is today's month."""

    day = forms.DateField(required=False, input_formats=["%Y-%m-%d"])

    def clean_day(self) -> date | None:
        """Within the years that a calendar can be drawn for."""
        given: date | None = self.cleaned_data["day"]
        if given is not None and not 1971 <= given.year <= 2198:
            raise forms.ValidationError(_("请选择有效的选项。"))
        return given
