"""Pages of people about themselves, and of the work that runs for them."""

from sites.views.jobs import job_cancel, job_detail, job_file, job_list
from sites.views.lists import columns_set, view_delete, view_edit, view_first, view_save
from sites.views.profile import language_set, profile, session_life, theme_set, token_revoke

__all__ = [
    "columns_set",
    "job_cancel",
    "job_detail",
    "job_file",
    "job_list",
    "language_set",
    "profile",
    "session_life",
    "theme_set",
    "token_revoke",
    "view_delete",
    "view_edit",
    "view_first",
    "view_save",
]
