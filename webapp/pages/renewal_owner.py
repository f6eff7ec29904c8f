from flask import Blueprint

blueprint = Blueprint("renewal_owner", __name__)
