"""Forms of the sheets."""

from django import forms
from django.utils.translation import gettext_lazy as _

from sites.resources.sheets import every_sheet


def _kinds() -> list[tuple[str, str]]:
    return [(sheet.key, sheet.label) for sheet in every_sheet()]


class SheetExportForm(forms.Form):
    """What to export, and as what."""

    kinds = forms.MultipleChoiceField(
        label=_("档案类别"), choices=_kinds, widget=forms.CheckboxSelectMultiple
    )
    format = forms.ChoiceField(
        label=_("格式"), choices=[("xlsx", "Excel (.xlsx)"), ("csv", "CSV")], initial="xlsx"
    )


class SheetUploadForm(forms.Form):
    """A file to compare; a .csv does not say itself what it holds."""

    file = forms.FileField(
        label=_("文件（.xlsx 或 .csv）"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    kind = forms.ChoiceField(
        label=_("CSV 文件的内容"),
        required=False,
        choices=lambda: [("", _("按工作表名称识别（.xlsx）")), *_kinds()],
    )
