"""Static files: names with a hash once they are collected, plain names before."""

from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStatic(CompressedManifestStaticFilesStorage):
    """Cached for ever by hashed names after `collectstatic`.

    Without a manifest (tests, a bare development server) the names stay plain and the files come
    from the finders. A name that a collected tree does not hold is an error, not a dead link.
    """

    # Our own modules import each other; scripts of packages are not looked into.
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "ops/*.js",
            (
                (r"""(?P<matched>from "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),
                (r"""(?P<matched>import\("(?P<url>\./[^"]+)"\))""", 'import("%(url)s")'),
            ),
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._addresses: dict[str | None, str] = {}

    def url(self, name: str | None, force: bool = False) -> str:  # noqa: FBT001, FBT002
        """The address of a file; a page asks for the same few hundreds of times."""
        if force:
            return super().url(name, force)
        found = self._addresses.get(name)
        if found is None:
            found = super().url(name) if self.hashed_files else FileSystemStorage.url(self, name)
            self._addresses[name] = found
        return found


class StaticMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise with whole bodies: our files are small, and an ASGI server warns of streams."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Nothing collected yet is no reason to warn: the finders have the files."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        response = HttpResponse(body, status=int(found.status))
        for name, value in found.headers:
            response[name] = value
        return response
