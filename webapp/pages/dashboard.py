from flask import Blueprint

from webapp.pages import guards

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/partner/dashboard")
@guards.public
def index() -> str:
    return ""
