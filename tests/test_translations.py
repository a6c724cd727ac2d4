"""English is complete and faithful, and the check that says so finds what it must find."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Message
from django.conf import settings
from django.utils.translation import gettext, ngettext, override, pgettext


def _load() -> ModuleType:
    """The script, which has no ending to import it by."""
    path = Path(settings.BASE_DIR) / "script" / "messages"
    spec = spec_from_loader("script_messages", SourceFileLoader("script_messages", str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


messages = _load()


# ---------- the product ----------


def test_english_is_complete_and_no_chinese_stands_outside_gettext() -> None:
    assert messages.all_faults() == []


def test_exempt_files_exist_and_say_why() -> None:
    for place, reason in messages.EXEMPT.items():
        assert (messages.ROOT / place).is_file()
        assert reason


def test_the_product_speaks_both_languages() -> None:
    with override("en"):
        assert gettext("查核") == "Verify"
        assert pgettext("plural", "站点") == "Sites"
        assert ngettext("%(days)d 天", "%(days)d 天", 1) == "%(days)d day"
        assert ngettext("%(days)d 天", "%(days)d 天", 2) == "%(days)d days"
    with override("zh-hans"):
        assert gettext("查核") == "查核"
        assert pgettext("plural", "站点") == "站点"


@pytest.mark.parametrize("domain", messages.DOMAINS)
def test_writing_again_changes_nothing(
    domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [(messages.LOCALE / f"{domain}{ending}").read_bytes() for ending in (".po", ".mo")]
    catalog = messages.stored(domain)
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    messages.store(domain, catalog)
    written = [(tmp_path / f"{domain}{ending}").read_bytes() for ending in (".po", ".mo")]
    assert written == kept


# ---------- the check: translations ----------


def _complaint(source: object, english: object, *flags: str) -> str:
    return str(messages.complaint(Message(source), Message(source, english, flags=flags)))


def test_a_good_translation_is_accepted() -> None:
    assert _complaint("时区 %(zone)s", "Time zone %(zone)s") == ""
    assert _complaint("从 %(a)s 到 %(b)s", "%(b)s, since %(a)s") == ""
    assert _complaint("含 %% 与 <b>粗</b>", "<b>bold</b> and %%") == ""


def test_a_string_that_was_not_collected_is_found() -> None:
    assert messages.complaint(Message("新"), None).startswith("not collected")


def test_an_empty_translation_is_found() -> None:
    assert _complaint("站点", "").startswith("no English")
    assert _complaint(("%(n)d 天", "%(n)d 天"), ("%(n)d day", "")).startswith("no English")


def test_a_fuzzy_translation_is_found() -> None:
    assert _complaint("站点", "Site", "fuzzy").startswith("fuzzy")


@pytest.mark.parametrize("english", ["Site 站", "Open，closed", "Limit（A）"])
def test_chinese_letters_and_punctuation_in_english_are_found(english: str) -> None:
    assert _complaint("站点", english).startswith("Chinese left")


@pytest.mark.parametrize(
    ("source", "english"),
    [
        ("共 %(total)s 个", "In total"),
        ("共 %(total)s 个", "%(count)s in total"),
        ("共 %(total)d 个", "%(total)s in total"),
        ("共 %s 个", "In total"),
        ("共 {total} 个", "{count} in total"),
        ("共 <b>%(total)s</b> 个", "%(total)s in total"),
        ("共计", "%(total)s in total"),
    ],
)
def test_differing_placeholders_are_found(source: str, english: str) -> None:
    assert _complaint(source, english).startswith("placeholders differ")


def test_only_the_form_for_one_may_leave_the_number_out() -> None:
    source = ("%(n)s 条", "%(n)s 条")
    assert _complaint(source, ("one alarm", "%(n)s alarms")) == ""
    assert _complaint(source, ("%(n)s alarm", "many alarms")).startswith("placeholders differ")
    assert _complaint(source, ("%(m)s alarm", "%(n)s alarms")).startswith("placeholders differ")


def test_a_binary_that_is_older_than_its_text_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = messages.stored("djangojs")
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    messages.store("djangojs", catalog)
    assert messages.check("djangojs") == []
    (tmp_path / "djangojs.mo").write_bytes(b"old")
    assert messages.check("djangojs") == [
        "djangojs.mo is not what djangojs.po says: run script/messages"
    ]


# ---------- the check: Chinese outside gettext ----------


def test_python_is_collected_with_contexts_and_plurals() -> None:
    catalog = messages.Catalog()
    source = '_("甲")\npgettext("里", "乙")\nngettext("%d 丙", "%d 丙", n)\n'
    messages.add(catalog, "a.py", "python", source)
    assert {(message.id, message.context) for message in catalog if message.id} == {
        ("甲", None),
        ("乙", "里"),
        (("%d 丙", "%d 丙"), None),
    }


@pytest.mark.parametrize(
    "source",
    [
        'label = "站点"',
        'label = f"站点 {name}"',
        'label = _(f"站点 {name}")',
        'label = _("站" + name)',
        'label = _(words.get("站点"))',
        """label = f"{_('站点')}-{day}" """,
        'def f():  # not translated\n    return "站点"',
        'text = "not translated 站点"',
        'words = "，".join(found)',
    ],
)
def test_chinese_in_python_is_found(source: str) -> None:
    assert len(messages.chinese_in_python(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""说明"""',
        "# 注释\nlabel = 1",
        'label = _("站点" "列表")',
        'label = pgettext_lazy("里", "站点")',
        'label = ngettext("%d 天", "%d 天", days)',
        'name = "中文"  # not translated: its own name',
        'facts = {\n    "finding": "松动",\n}  # not translated',
    ],
)
def test_translated_python_and_marked_statements_are_accepted(source: str) -> None:
    assert messages.chinese_in_python(source) == []


@pytest.mark.parametrize(
    "line",
    [
        'label = _("站点")',
        'class Form:\n    label = pgettext("里", "站点")',
        '@display(description=_("站点"))\ndef f(): ...',
        'def f(label=_("站点")): ...',
    ],
)
def test_translating_at_import_is_found(line: str) -> None:
    source = f"from django.utils.translation import gettext as _, pgettext\n{line}\n"
    assert len(messages.early_in_python(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'from django.utils.translation import gettext_lazy as _\nlabel = _("站点")',
        'from django.utils.translation import gettext as _\ndef f():\n    return _("站点")',
        'from django.utils.translation import gettext as _\nlabel = lambda: _("站点")',
    ],
)
def test_translating_late_is_accepted(source: str) -> None:
    assert messages.early_in_python(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "<h1>站点</h1>",
        '{{ name|default:"无" }}',
        '{% translate "站点" %}：{{ name }}',
        '{% include "a.html" with word="站点" %}',
    ],
)
def test_chinese_in_a_template_is_found(source: str) -> None:
    faults = messages.chinese_in_template(f"{{% load i18n %}}\n{source}\n")
    assert len(faults) == 1
    assert faults[0].startswith("2: ")


@pytest.mark.parametrize(
    "source",
    [
        '{% translate "站点" context "plural" %}',
        "{% blocktranslate count n=n %}{{ n }} 条{% plural %}{{ n }} 条{% endblocktranslate %}",
        '{% include "a.html" with word=_("站点") %}',
        "{# 注释 #}",
        "{% comment %}\n注释\n{% endcomment %}",
        "<button>中文</button>{# not translated: its own name #}",
    ],
)
def test_translated_templates_and_comments_are_accepted(source: str) -> None:
    assert messages.chinese_in_template(source) == []


@pytest.mark.parametrize(
    "source",
    [
        'say("断开");',
        'say(interpolate("断开 %s", [name]));',
        'say(gettext("断开") + "：" + name);',
        "say(`断开 ${name}`);",
        'say(`${show("断开")}`);',
    ],
)
def test_chinese_in_a_script_is_found(source: str) -> None:
    assert len(messages.chinese_in_script(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'say(interpolate(gettext("剩 %(left)s（约）"), { left: age(now()) }, true));',
        'say(ngettext("%s 条", "%s 条", count(rows)));',
        'say(`${gettext("断开")} ${name}`);',
        "// 注释\n/* 注释 */ say(1);",
        'const name = "中文"; // not translated: its own name',
    ],
)
def test_translated_scripts_and_comments_are_accepted(source: str) -> None:
    assert messages.chinese_in_script(source) == []
