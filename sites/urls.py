"""Addresses of the app's pages."""

from django.urls import path

from sites import views

app_name = "sites"
urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/theme/", views.theme_set, name="theme-set"),
    path("profile/tokens/<int:pk>/revoke/", views.token_revoke, name="token-revoke"),
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<int:pk>/", views.job_detail, name="job-detail"),
    path("jobs/<int:pk>/cancel/", views.job_cancel, name="job-cancel"),
    path("jobs/<int:pk>/file/", views.job_file, name="job-file"),
    path("sites/<int:pk>/documents/", views.document_add, name="document-add"),
    path("documents/<int:pk>/", views.document_file, name="document-file"),
    path("documents/<int:pk>/small/", views.document_thumbnail, name="document-thumbnail"),
    path("documents/<int:pk>/remove/", views.document_remove, name="document-remove"),
    path("documents/<int:pk>/restore/", views.document_restore, name="document-restore"),
    path("session/", views.session_life, name="session"),
    path("lists/<slug:page>/columns/", views.columns_set, name="columns-set"),
    path("lists/<slug:page>/views/", views.view_save, name="view-save"),
    path("lists/<slug:page>/first-view/", views.view_first, name="view-first"),
    path("views/<int:pk>/edit/", views.view_edit, name="view-edit"),
    path("views/<int:pk>/delete/", views.view_delete, name="view-delete"),
    path("sheets/", views.sheet_page, name="sheet-page"),
    path("sheets/export/", views.sheet_export, name="sheet-export"),
    path("sheets/template/", views.sheet_template, name="sheet-template"),
    path("sheets/check/", views.sheet_check, name="sheet-check"),
    path("sheets/check/<int:pk>/confirm/", views.sheet_confirm, name="sheet-confirm"),
    path("language/", views.language_set, name="language-set"),
]
