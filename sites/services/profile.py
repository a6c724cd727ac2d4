"""What people say about themselves."""

from sites.models import User


def edit_profile(
    *,
    user: User,
    name: str | None = None,
    language: str | None = None,
    theme: str | None = None,
) -> User:
    """Change the person's name, language or theme; what is None stays."""
    wanted = {"name": name, "language": language, "theme": theme}
    news = {field: value for field, value in wanted.items() if value is not None}
    for field, value in news.items():
        setattr(user, field, value)
    if news:
        user.save(update_fields=list(news))
    return user
