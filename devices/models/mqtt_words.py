"""Closed vocabularies of mappings and messages, in words for people."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class MessageForm(TextChoices):
    """How a message of a broker holds its values (devices.drivers.messages)."""

    OBJECT = "object", _("JSON 对象，每个测点一个成员")
    LIST = "list", _("JSON 列表，每项为名称和数值")
    TOPIC = "topic", _("一主题一测点，主题含 {point}")


class TimeForm(TextChoices):
    """How a message writes its time."""

    ISO = "iso", _("ISO 8601，不带时区的按站点时区")
    SECONDS = "s", _("Unix 秒")
    MILLISECONDS = "ms", _("Unix 毫秒")


class MappingError(TextChoices):
    """Why a mapping cannot be used; labels are filled with line and words."""

    TOPIC_UNREADABLE = "topic_unreadable", _("主题无法识别：“%(about)s”。")
    PLACE_MISSING = "place_missing", _("主题中须含 %(about)s。")
    PATH_UNREADABLE = "path_unreadable", _("路径无法识别：“%(about)s”。")
    PATH_MISSING = "path_missing", _("此形式须填写该路径。")
    KEY_UNREADABLE = "key_unreadable", _("须含花括号中的占位或路径，如 {device}。")
    LINE_UNREADABLE = "line_unreadable", _("第 %(line)s 行无法识别：“%(about)s”。")
    SAID_TWICE = "said_twice", _("第 %(line)s 行：“%(about)s”重复。")
    POINTS_MISSING = "points_missing", _("至少对应一个测点。")
    LINES_MANY = "lines_many", _("最多 %(about)s 行。")


class MessageFault(TextChoices):
    """Why a message, or a part of it, becomes no sample; labels are filled with words."""

    TOPIC_UNMAPPED = "topic_unmapped", _("没有适用于该主题的映射")
    PAYLOAD_LARGE = "payload_large", _("内容超过 1 MB")
    PAYLOAD_UNREADABLE = "payload_unreadable", _("内容不是 JSON")
    RECORDS_MISSING = "records_missing", _("找不到记录")
    DEVICE_MISSING = "device_missing", _("找不到设备标识")
    DEVICE_UNREADABLE = "device_unreadable", _("设备标识为空或过长")
    TIME_MISSING = "time_missing", _("找不到时间")
    TIME_UNREADABLE = "time_unreadable", _("时间无法识别")
    RETAINED_UNTIMED = "retained_untimed", _("保留消息没有自己的时间")
    VALUES_MISSING = "values_missing", _("没有任何测点值")
    POINT_UNMAPPED = "point_unmapped", _("该名称没有对应的测点")
    NOT_A_NUMBER = "not_a_number", _("值不是数")
    UNSTORABLE = "unstorable", _("多次尝试后仍无法存储")
