from flask import Blueprint

from webapp.pages import guards

blueprint = Blueprint("help", __name__)


@blueprint.get("/help/renewal-owners")
@guards.public
def renewal_owners() -> str:
    return ""
