"""Where to go after a move: back to the page that it was made on, when that is one of ours."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def back_to(request: HttpRequest, name: str, pk: int) -> str:
    """The form's `next`, or the row's own page."""
    wanted = request.POST.get("next", "")
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}
    )
    return wanted if is_ours else reverse(name, args=[pk])
