"""Make the files for browsers: ``python tools/statics.py`` fills ``static/built`` (it is not committed).

The stylesheet is joined from its parts, with the icons as images at its beginning. Each file gets its content's hash
into its name, so that it may be cached for ever, and lies there compressed beforehand, which
``webapp/pages/statics.py`` serves to whoever takes it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote

from whitenoise.compress import Compressor

STATIC = Path(__file__).resolve().parent.parent / "static"
BUILT = STATIC / "built"
AS_THEY_ARE = ("portal.js", "frame.js", "windows.js", "vendor/htmx.min.js", "favicon.svg")
SYMBOL = re.compile(r'<symbol id="([\w-]+)"(.*?)>(.*)</symbol>')
# A later part may override an earlier one.
STYLESHEET = ("tokens.css", "base.css", "parts/*.css", "pages/*.css", "print.css")


def stylesheets() -> list[Path]:
    """List the parts of the stylesheet in their order."""
    return [path for pattern in STYLESHEET for path in sorted((STATIC / "css").glob(pattern))]


def joined() -> str:
    """Join the whole stylesheet, without comments and the spaces that only its writers need."""
    source = "".join(path.read_text(encoding="utf-8") for path in stylesheets())
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    source = re.sub(r"\s+", " ", source)
    source = re.sub(r" ?([{};,]) ?", r"\1", source).replace(";}", "}")
    return re.sub(r"([{;][\w-]+): ", r"\1:", source).strip()


def icons() -> str:
    """Write each symbol of icons.svg as an image for the stylesheet: ``--icon-gear``, and the class ``icon-gear``."""
    images, classes = [], []
    for name, attributes, shape in SYMBOL.findall((STATIC / "icons.svg").read_text("utf-8")):
        image = f'<svg xmlns="http://www.w3.org/2000/svg"{attributes}>{shape}</svg>'
        address = quote(image.replace('"', "'"), safe=" !$&'()*+,-./:;=?@_~")
        images.append(f'--icon-{name}:url("data:image/svg+xml,{address}")')
        classes.append(f".icon-{name}{{--icon:var(--icon-{name})}}")
    return f":root{{{';'.join(images)}}}{''.join(classes)}"


def build() -> None:
    contents = {Path(name).name: (STATIC / name).read_bytes() for name in AS_THEY_ARE}
    contents["portal.css"] = (icons() + joined()).encode()
    compressor = Compressor(quiet=True)
    BUILT.mkdir(exist_ok=True)
    made = set()
    for name, content in contents.items():
        stem, suffix = name.rsplit(".", 1)
        path = BUILT / f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
        path.write_bytes(content)
        made |= {path, *map(Path, compressor.compress(str(path)))}
    for path in set(BUILT.iterdir()) - made:
        path.unlink()


if __name__ == "__main__":
    build()
