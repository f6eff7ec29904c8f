"""The static files of pages, from ``static/built``, which ``tools/statics.py`` makes, and those of a theme."""

from wsgiref.headers import Headers

from flask import Flask, current_app, request
from whitenoise import WhiteNoise

from webapp.pages.headers import FILES
from webapp.paths import folder

PREFIX = "/static/"
# Each name holds the hash of its content, so the file of a name never changes.
COMMON = FILES | {"Cache-Control": "public, max-age=31536000, immutable"}


def prepare(app: Flask) -> None:
    """Serve the files in front of the portal, compressed for browsers that accept it."""
    built = folder("static") / "built"
    files = {
        original_name(path.name): path.name for path in built.glob("*.*") if is_original(path.name)
    }
    if not files:
        raise RuntimeError(f"{built} is empty: make install fills it")
    whitenoise = WhiteNoise(
        app.wsgi_app,
        root=str(built),
        prefix=PREFIX,
        max_age=None,
        allow_all_origins=False,
        add_headers_function=add_headers,
    )
    path = app.config["PORTAL"].theme_path
    themed = add_theme(whitenoise, files, path) if path else frozenset()
    app.extensions["statics"] = files
    app.jinja_env.globals["themed"] = themed
    app.wsgi_app = whitenoise  # type: ignore[method-assign]


def add_theme(whitenoise: WhiteNoise, files: dict[str, str], path: str) -> frozenset[str]:
    """Serve the files of a theme besides, and return their names. Raises config.SettingError."""
    # Imported here, since what reads themes is a tenth of the start of a portal without one.
    from webapp.pages import theme_files

    theme = theme_files.of_theme(path)
    for name, content in theme.items():
        files[name] = theme_files.served_name(name, content)
        whitenoise.files[PREFIX + files[name]] = theme_files.HeldFile(
            content, COMMON | theme_files.HEADERS[name]
        )
    return frozenset(theme)


def is_original(name: str) -> bool:
    return not name.endswith((".gz", ".br"))


def original_name(name: str) -> str:
    """Return a file's name in templates: ``portal.css`` for ``portal.0a1b2c3d4e5f.css``."""
    stem, _hash, suffix = name.rsplit(".", 2)
    return f"{stem}.{suffix}"


def add_headers(headers: Headers, path: str, url: str) -> None:
    for name, value in COMMON.items():
        headers[name] = value


def asset(name: str) -> str:
    """Return the address of a file by its plain name, below the path at which the portal is mounted."""
    return f"{request.script_root}{PREFIX}{current_app.extensions['statics'][name]}"
