from flask import Blueprint

from webapp.pages import guards

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
@guards.public
def index() -> str:
    return ""


@blueprint.get("/account/company")
@guards.public
def company() -> str:
    return ""
