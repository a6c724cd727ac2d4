"""Pages of people about themselves, and of the work that runs for them."""

from sites.views.documents import (
    document_add,
    document_file,
    document_remove,
    document_restore,
    document_thumbnail,
)
from sites.views.jobs import job_cancel, job_detail, job_file, job_list
from sites.views.lists import columns_set, view_delete, view_edit, view_first, view_save
from sites.views.profile import back, language_set, profile, session_life, theme_set, token_revoke
from sites.views.sheets import (
    sheet_check,
    sheet_confirm,
    sheet_export,
    sheet_page,
    sheet_template,
)

__all__ = [
    "back",
    "columns_set",
    "document_add",
    "document_file",
    "document_remove",
    "document_restore",
    "document_thumbnail",
    "job_cancel",
    "job_detail",
    "job_file",
    "job_list",
    "language_set",
    "profile",
    "session_life",
    "sheet_check",
    "sheet_confirm",
    "sheet_export",
    "sheet_page",
    "sheet_template",
    "theme_set",
    "token_revoke",
    "view_delete",
    "view_edit",
    "view_first",
    "view_save",
]
