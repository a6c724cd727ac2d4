"""The admin: for an administrator who is no programmer, in the reader's language.

Other apps build theirs on `ScopedAdmin`, `ScopedInline`, `RecordAdmin`.
"""

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from sites.admin import grants, people, places
from sites.admin.base import (
    ListInline,
    PlatformAdmin,
    RecordAdmin,
    ScopedAdmin,
    ScopedInline,
    holds,
)

__all__ = [
    "ListInline",
    "PlatformAdmin",
    "RecordAdmin",
    "ScopedAdmin",
    "ScopedInline",
    "grants",
    "holds",
    "people",
    "places",
]

admin.site.site_header = _("智慧电务 · 管理后台")
admin.site.site_title = _("智慧电务")
admin.site.index_title = _("档案、人员与授权")
# One way in: our sign-in page with its limits, its record and its second step.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# Not ours: rights come from grants, and the secrets of a second step are nobody's to read.
for _model in (Group, EmailAddress, EmailConfirmation, Authenticator):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
