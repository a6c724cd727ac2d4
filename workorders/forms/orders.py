"""What a person says about an order."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from devices.models import Device
from sites.models import Circuit, Room, Site
from workorders import selectors
from workorders.models import WorkOrder
from workorders.rules import CAPTION_LENGTH, TITLE_LENGTH
from workorders.states import NEEDS, Kind, Move, Priority

LOCAL = "%Y-%m-%dT%H:%M"


def text_area(rows: int = 3) -> forms.Textarea:
    """A field of some lines."""
    return forms.Textarea(attrs={"rows": rows})


class CreateForm(forms.Form):
    """A new order at a site; the due time is in the site's zone."""

    title = forms.CharField(label=_("标题"), max_length=TITLE_LENGTH)
    kind = forms.ChoiceField(label=_("类型"), choices=Kind.choices, initial=Kind.REPAIR)
    priority = forms.ChoiceField(
        label=_("优先级"), choices=Priority.choices, initial=Priority.NORMAL
    )
    due_at = forms.DateTimeField(
        label=_("要求完成时间"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"],
    )
    room = forms.ModelChoiceField(
        label=_("配电室"), queryset=Room.objects.none(), required=False, empty_label=_("不限")
    )
    circuit = forms.ModelChoiceField(
        label=_("回路"), queryset=Circuit.objects.none(), required=False, empty_label=_("不限")
    )
    device = forms.ModelChoiceField(
        label=_("设备"), queryset=Device.objects.none(), required=False, empty_label=_("不限")
    )
    description = forms.CharField(label=_("描述"), required=False, widget=text_area(4))
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = site.timezone
        places = {
            "room": Room.objects.filter(site=site),
            "circuit": Circuit.objects.filter(room__site=site),
            "device": Device.objects.filter(site=site),
        }
        for name, rows in places.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def clean_due_at(self) -> datetime:
        """As the clock at the site shows it."""
        given: datetime = self.cleaned_data["due_at"]
        return given.replace(tzinfo=ZoneInfo(self.zone))


class MoveForm(forms.Form):
    """What one move must be given, and a note where none is asked for."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, order: WorkOrder, move: Move) -> None:
        super().__init__(data, prefix=move.value)
        needs = NEEDS.get(move, ())
        if "assignee" in needs:
            people = selectors.assignees_for(site=order.site).exclude(pk=order.assignee_id or 0)
            self.fields["assignee"] = forms.ModelChoiceField(
                label=_("处理人"), queryset=people, empty_label=_("请选择")
            )
        if "finding" in needs:
            self.fields["finding"] = forms.CharField(
                label=_("现场情况"), widget=text_area(), initial=order.finding
            )
        if "measures" in needs:
            self.fields["measures"] = forms.CharField(
                label=_("处理措施"), widget=text_area(), initial=order.measures
            )
        if "finding" not in needs:
            label = _("原因") if "note" in needs else _("说明")
            self.fields["note"] = forms.CharField(
                label=label, required="note" in needs, widget=text_area(2)
            )
        self.fields["seen"].initial = order.seen


class NoteForm(forms.Form):
    note = forms.CharField(label=_("备注"), widget=text_area(1))


class PhotoForm(forms.Form):
    file = forms.FileField(
        label=_("照片"),
        widget=forms.FileInput(
            attrs={"accept": "image/jpeg,image/png,image/webp", "data-preview": "previews"}
        ),
    )
    caption = forms.CharField(label=_("说明"), required=False, max_length=CAPTION_LENGTH)


class OrdersForm(forms.Form):
    """What all the orders say besides what each alarm proposes."""

    description = forms.CharField(
        label=_("补充说明"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
