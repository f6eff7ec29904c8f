from flask import Blueprint

from webapp.pages import guards

blueprint = Blueprint("signin", __name__)


@blueprint.get("/sign-in")
@guards.public
def sign_in() -> str:
    return ""


@blueprint.post("/sign-out")
@guards.public
def sign_out() -> str:
    return ""
