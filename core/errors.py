"""Failures that a person can understand: every refusal of the domain inherits DomainError."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """Something was refused for a reason that the caller can act on.

    `code` is stable and for machines, `message` is for people in their language, `facts` is what
    the caller needs to go on (for example the fresh state of the row).
    """

    code = "refused"
    status = 409
    message: Any = _("操作被拒绝。")

    def __init__(self, message: Any = None, **facts: Any) -> None:
        self.facts: Mapping[str, Any] = facts
        if message is not None:
            self.message = message
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message)


class NotFound(DomainError):
    """The object does not exist, or not for this person: the answer is the same."""

    code = "not_found"
    status = 404
    message = _("找不到该对象，或您无权查看。")


class Forbidden(DomainError):
    """The person sees the object but may not do this."""

    code = "forbidden"
    status = 403
    message = _("您没有执行此操作的权限。")


class Invalid(DomainError):
    """Given facts are wrong; `fields` maps a field's name to its messages."""

    code = "invalid"
    status = 400
    message = _("提交的内容有误。")

    def __init__(
        self, message: Any = None, *, fields: Mapping[str, list[str]] | None = None, **facts: Any
    ) -> None:
        self.fields = dict(fields or {})
        super().__init__(message, **facts)


class MoveRefused(DomainError):
    """The life of the row has no such move from its present state."""

    code = "move_refused"
    message = _("当前状态下不能执行此操作。")


class Changed(DomainError):
    """Somebody else was first; `facts` carry the fresh state."""

    code = "changed"
    message = _("已被他人更新，请按最新状态操作。")
