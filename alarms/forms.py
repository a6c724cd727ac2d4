"""What a person says when handling an alarm."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from alarms.states import Verdict

NOTE_ROWS = 3
HOURS = (1, 2, 4, 8, 24)


class SeenForm(forms.Form):
    """Carries the handling that the page showed, so that the second of two people is told."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)


class VerifyForm(SeenForm):
    verdict = forms.ChoiceField(
        label=_("查核结论"),
        choices=Verdict.choices,
        widget=forms.RadioSelect,
        initial=Verdict.REAL,
    )
    cause = forms.CharField(label=_("原因"), required=False)
    note = forms.CharField(
        label=_("说明"), required=False, widget=forms.Textarea(attrs={"rows": NOTE_ROWS})
    )


class IgnoreForm(SeenForm):
    """For some hours, or until a moment in the site's zone."""

    hours = forms.TypedChoiceField(
        label=_("忽略多久"),
        coerce=int,
        empty_value=None,
        required=False,
        initial=HOURS[0],
    )
    until = forms.DateTimeField(
        label=_("或忽略至"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    note = forms.CharField(label=_("原因"), widget=forms.Textarea(attrs={"rows": NOTE_ROWS}))

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        label = ngettext_lazy("%(hours)d 小时", "%(hours)d 小时", "hours")
        self.fields["hours"].choices = [  # type: ignore[attr-defined]
            *((hours, label % {"hours": hours}) for hours in HOURS),
            ("", _("指定时间")),
        ]

    def clean(self) -> dict[str, Any]:
        """Sets `until`, aware."""
        cleaned = super().clean() or {}
        hours, until = cleaned.get("hours"), cleaned.get("until")
        if hours:
            cleaned["until"] = timezone.now() + timedelta(hours=hours)
        elif until:
            naive: datetime = timezone.make_naive(until) if timezone.is_aware(until) else until
            cleaned["until"] = naive.replace(tzinfo=ZoneInfo(self.zone))
        elif "until" not in self.errors:
            self.add_error("until", _("请选择忽略多久，或填写截止时间。"))
        return cleaned


class ArchiveForm(SeenForm):
    note = forms.CharField(
        label=_("说明"), required=False, widget=forms.Textarea(attrs={"rows": NOTE_ROWS})
    )


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, each checked as one; none is an empty list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data]
        found = [super(FilesField, self).clean(one, initial) for one in given if one]
        return found


class CommentForm(forms.Form):
    """A remark, pictures, or both."""

    note = forms.CharField(
        label=_("备注"), required=False, widget=forms.Textarea(attrs={"rows": 1})
    )
    photos = FilesField(label=_("照片"), required=False)
