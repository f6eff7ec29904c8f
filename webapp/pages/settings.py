from flask import Blueprint

from webapp.pages import guards

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
@guards.public
def index() -> str:
    return ""
