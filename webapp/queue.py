"""The entrance for ``celery --app webapp.queue worker`` and ``beat``."""

from webapp.app import create_app
from webapp.config import SettingError

portal = create_app()
if "celery" not in portal.extensions:
    raise SettingError("PORTAL_BROKER_URL must name the broker of the task queue")
celery = portal.extensions["celery"]
