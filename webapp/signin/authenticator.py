"""Authenticator apps: their keys, the codes that they show, and the picture from which an app takes a key over."""

import re
import unicodedata
from datetime import datetime
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyotp import TOTP

KEY = re.compile(r"[A-Z2-7]{32}\Z")
DIGITS = 6
# Seconds for which an app shows a code.
STEP = 30
# Codes before and after the present one that count, too: clocks go wrong, and typing takes time.
DRIFT = 1


def new_key() -> str:
    """Make a key in Base32, of 160 bits."""
    from pyotp import random_base32

    return random_base32()


def app_with(key: str) -> "TOTP":
    # Imported here, as all that few requests need.
    from pyotp import TOTP

    return TOTP(key)


def address(key: str, email: str, portal: str) -> str:
    """Make the address that an app reads from the picture: the key, and what to call it in the app's list."""
    return app_with(key).provisioning_uri(name=email, issuer_name=portal)


def picture(text: str) -> str:
    """Draw a text as a QR code: black on white with its margin, as an SVG element without styles."""
    import segno

    return segno.make(text, error="m", micro=False).svg_inline(
        dark="black", light="white", svgclass="qr", lineclass=None, omitsize=True
    )


def digits(text: str) -> str:
    """Keep the digits of a typed code, which may be grouped, and written in any script."""
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def step_of(key: str, code: str, at: datetime) -> int | None:
    """Find the step of time whose code this is: 30 seconds each since 1970. None for a wrong code."""
    present = int(at.timestamp()) // STEP
    app = app_with(key)
    near = range(present + DRIFT, present - DRIFT - 1, -1)
    return next((step for step in near if compare_digest(app.generate_otp(step), code)), None)
