"""The entrance for ``celery --app webapp.queue worker`` and ``beat``."""

from webapp import tasks
from webapp.app import create_app
from webapp.cli.shared import settings_in_one_line
from webapp.config import SettingError

with settings_in_one_line():
    portal = create_app()
    if "celery" not in portal.extensions:
        raise SettingError("PORTAL_BROKER_URL must name the broker of the task queue")
tasks.prepare_worker(portal)
celery = portal.extensions["celery"]
