"""Addresses of the app's pages."""

from django.urls import path

from sites import views

app_name = "sites"
urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/theme/", views.theme_set, name="theme-set"),
    path("profile/tokens/<int:pk>/revoke/", views.token_revoke, name="token-revoke"),
    path("language/", views.language_set, name="language-set"),
]
