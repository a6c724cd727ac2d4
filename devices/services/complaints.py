"""What is wrong with a template's text, in the reader's language, line by line."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.drivers.documents import DocumentError

# The same codes and parameters as the English texts of the parser.
_TEXTS: dict[str, Any] = {
    "yaml": gettext_lazy("不是有效的 YAML：%(problem)s"),
    "too_large": gettext_lazy("文本有 %(length)s 个字符，上限为 %(limit)s。"),
    "too_deep": gettext_lazy("嵌套过深，请按示例使用平铺写法。"),
    "not_a_mapping": gettext_lazy("应为“名称: 值”的形式，而不是 %(found)s。"),
    "not_a_list": gettext_lazy("应为“- …”列表，而不是 %(found)s。"),
    "too_many": gettext_lazy("共 %(count)s 项，最多 %(limit)s 项。"),
    "empty": gettext_lazy("不能为空。"),
    "missing_field": gettext_lazy("缺少 %(field)s。"),
    "unknown_key": gettext_lazy("未知的键 %(key)s，可用的有：%(known)s"),
    "duplicate_key": gettext_lazy("%(key)s 重复（首次出现在第 %(first_line)s 行），请删去一个。"),
    "wrong_type": gettext_lazy("应为 %(expected)s，而不是 %(found)s。"),
    "too_long": gettext_lazy("有 %(length)s 个字符，上限为 %(limit)s。"),
    "bad_key": gettext_lazy("%(value)s 只能由 a-z、0-9 和连字符组成，最长 %(limit)s。"),
    "out_of_range": gettext_lazy("%(value)s 超出范围 %(minimum)s 至 %(maximum)s。"),
    "not_one_of": gettext_lazy("不能为 %(value)s，可选：%(known)s"),
    "unknown_point": gettext_lazy("测点字典中没有 %(value)s，相近的有：%(similar)s"),
    "point_not_numeric": gettext_lazy("测点 %(value)s 是属性，不能轮询，请删去。"),
    "duplicate_point": gettext_lazy("测点 %(value)s 已在第 %(first_line)s 行给出，请删去一个。"),
    "unit_mismatch": gettext_lazy(
        "单位 %(value)s 不能换算为 %(point)s 的 %(stored)s，可用：%(known)s"
    ),
    "zero_scale": gettext_lazy("倍率为 0 会丢失数值，请填写原始值的乘数。"),
    "bit_missing": gettext_lazy("类型 bits 须填写 bit（0 至 15）。"),
    "bit_without_bits": gettext_lazy("bit 只用于类型 bits，请删去或更改类型。"),
    "type_needs_registers": gettext_lazy("功能码 %(function_code)s 读取单个位，请使用类型 bool。"),
    "marker_range": gettext_lazy("标记 %(value)s 放不进 %(bits)s 位。"),
    "address_end": gettext_lazy("需要 %(count)s 个寄存器，超出 %(last)s，请更正地址。"),
    "overlap": gettext_lazy("与第 %(first_line)s 行的 %(other)s 共用寄存器，请更正地址或类型。"),
    "forbidden": gettext_lazy("位于禁读区间 %(first)s 至 %(last)s，请更正其一。"),
    "too_wide": gettext_lazy(
        "需要 %(count)s 个寄存器，而 max_read_registers 为 %(limit)s，请调大。"
    ),
    "output_code": gettext_lazy("%(value)s 只能由字母、数字和下划线组成，最长 %(limit)s。"),
    "duplicate_output": gettext_lazy("输出 %(value)s 已在第 %(first_line)s 行给出，请删去一个。"),
    "same_command": gettext_lazy("合与分的写入相同，请更正其一。"),
    "same_state": gettext_lazy("合与分的回读值相同，请更正其一。"),
    "one_value": gettext_lazy("功能码 %(function_code)s 只写一个值，请只填一个或改用 %(many)s。"),
    "coil_value": gettext_lazy("线圈没有状态 %(value)s，请填 0 或 1。"),
    "state_bit": gettext_lazy("功能码 %(function_code)s 读取单个位，请删去 bit。"),
    "no_year": gettext_lazy("epoch 以秒计，没有年份，请删去。"),
    "range_order": gettext_lazy("%(first)s 大于 %(last)s，请对调。"),
}
# Words that the parser puts into `found` and `expected`.
_WORDS: dict[str, Any] = {
    "a mapping": gettext_lazy("键值表"),
    "a list": gettext_lazy("列表"),
    "nothing": gettext_lazy("空值"),
    "a text": gettext_lazy("文本"),
    "a number": gettext_lazy("数字"),
    "a whole number": gettext_lazy("整数"),
    "true or false": gettext_lazy("true 或 false"),
}


def words(error: DocumentError) -> str:
    """What is wrong, without its place."""
    params = {
        name: _WORDS.get(value, value) if isinstance(value, str) else value
        for name, value in error.params.items()
    }
    return str(_TEXTS[error.code]) % params


def sentence(error: DocumentError) -> str:
    """One complaint with its line and field."""
    text = words(error)
    if error.field:
        text = f"{error.field}: {text}"
    return _("第 %(line)d 行：%(text)s") % {"line": error.line, "text": text}


def sentences(errors: Iterable[DocumentError]) -> list[str]:
    """All complaints, in the order of the text."""
    return [sentence(error) for error in errors]
