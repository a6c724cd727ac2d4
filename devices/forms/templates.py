"""Forms of device templates."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.errors import Invalid
from devices.services import template_books
from devices.services import template_drafts as drafts

LONGEST_TEMPLATE_BYTES = 1_000_000


class TemplateForm(forms.Form):
    """A template's text, typed or from a file."""

    file = forms.FileField(label=_("模板文件（YAML）"), required=False)
    text = forms.CharField(
        label=_("或粘贴文本"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "cols": 110, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """The text, from wherever it came, as `document`."""
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        if file is None:
            cleaned["document"] = cleaned.get("text", "")
        elif file.size > LONGEST_TEMPLATE_BYTES:
            raise ValidationError(_("文件过大。"))
        else:
            try:
                cleaned["document"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise ValidationError(_("文件须为 UTF-8 文本。")) from None
        if not cleaned["document"].strip():
            raise ValidationError(_("请选择文件或粘贴文本。"))
        return cleaned


class ImportForm(forms.Form):
    """A template as a file, a text or a workbook, or as text on the page."""

    file = forms.FileField(label=_("模板文件（YAML 或 Excel）"), required=False)
    text = forms.CharField(
        label=_("或粘贴文本"),
        required=False,
        strip=False,
        max_length=LONGEST_TEMPLATE_BYTES,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "class": "mono"}),
    )

    def draft(self) -> drafts.Draft:
        """The file, else the text, as a draft. Raises Invalid when neither can be read."""
        file = self.cleaned_data.get("file")
        if file is None:
            return drafts.draft_of(self.cleaned_data["text"].replace("\r\n", "\n"))
        if file.size > LONGEST_TEMPLATE_BYTES:
            raise Invalid(_("文件过大。"))
        return template_books.draft_of_file(file.read(), name=file.name)


class CloneForm(forms.Form):
    """What a clone is called."""

    key = forms.SlugField(
        label=_("标识"), max_length=60, help_text=_("小写字母、数字和连字符，如 acme-pm100。")
    )
    model = forms.CharField(label=_("型号"), max_length=80)
