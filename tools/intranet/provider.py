"""A small identity provider (OpenID Connect) for the demo of an intranet and for tests. It knows no passwords.

Whoever signs in chooses a person from a list. All else is as at a real one: codes that work once, PKCE, signed tokens,
one session for all clients, signing out there and everywhere. Whatever a test forges goes through ``forge``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode

from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from joserfc.jwk import KeySet
from werkzeug.wrappers import Response as AnyResponse

from tools.intranet.issuer import TOKEN_LASTS, Client, Grant, Person, Provider, SignedIn, encoded

COOKIE = "provider_session"


def create_app(
    issuer: str, people: Sequence[Person], clients: Sequence[Client], **options: Any
) -> Flask:
    """Make the provider's site. Its state is in ``app.config["PROVIDER"]``; ``options`` are fields of Provider."""
    app = Flask(__name__, template_folder=str(Path(__file__).parent), static_folder=None)
    provider = Provider(issuer, people, clients, **options)
    app.config["PROVIDER"] = provider
    add_pages(app, provider)
    add_endpoints(app, provider)

    @app.after_request
    def finish(response: Response) -> Response:
        # No provider is shown in a frame.
        response.headers.extend({"X-Frame-Options": "DENY", "Cache-Control": "no-store"})
        response.headers.extend(dict(provider.headers))
        return response

    return app


def add_pages(app: Flask, provider: Provider) -> None:
    """Add what people see."""

    def present() -> SignedIn | None:
        return provider.sessions.get(request.cookies.get(COOKIE, ""))

    @app.get("/")
    def home() -> str:
        return render_template("provider.html", signed_in=present(), people=())

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> AnyResponse | str:
        """Ask who it is, unless that is known and fresh enough (OpenID Connect Core 1.0, 3.1.2.1)."""
        asked = dict(request.args)
        client = provider.client(asked.get("client_id"))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            abort(400, "no such client, or another address to go back to")
        signed_in, key = present(), request.cookies.get(COOKIE, "")
        if request.method == "POST":
            chosen = request.form.get("person")
            if not chosen:
                return back(asked, error="access_denied")
            key, signed_in = provider.sign_in(chosen)
        elif signed_in is None or stale(signed_in, asked):
            return render_template("provider.html", signed_in=None, people=provider.people)
        answer = back(asked, code=provider.code(signed_in, client, asked))
        secure = provider.issuer.startswith("https")
        answer.set_cookie(COOKIE, key, httponly=True, samesite="Lax", secure=secure)
        return answer

    def back(asked: Mapping[str, str], **values: str) -> AnyResponse:
        values |= {"state": asked.get("state", ""), "iss": provider.issuer}
        return redirect(f"{asked['redirect_uri']}?{urlencode(values)}", 303)

    @app.route("/end-session", methods=["GET", "POST"])
    def end_session() -> AnyResponse:
        """End the session here and at all clients (OpenID Connect RP-Initiated Logout 1.0, 2)."""
        provider.end(request.cookies.get(COOKIE))
        onward = request.values.get("post_logout_redirect_uri", "")
        known = any(onward in client.post_logout_uris for client in provider.clients)
        answer = redirect(onward if known else "/", 303)
        answer.delete_cookie(COOKIE)
        return answer


def stale(signed_in: SignedIn, asked: Mapping[str, str]) -> bool:
    """Tell whether somebody who is signed in has to show again who it is."""
    too_old = "max_age" in asked and time.time() - signed_in.since >= int(asked["max_age"])
    return too_old or asked.get("prompt") == "login"


def add_endpoints(app: Flask, provider: Provider) -> None:
    """Add what the clients' servers ask for."""

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        address = provider.issuer
        return jsonify(
            {
                "issuer": address,
                "authorization_endpoint": f"{address}/authorize",
                "token_endpoint": f"{address}/token",
                "userinfo_endpoint": f"{address}/userinfo",
                "jwks_uri": f"{address}/keys",
                "end_session_endpoint": f"{address}/end-session",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "backchannel_logout_supported": True,
                "backchannel_logout_session_supported": True,
            }
        )

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(KeySet([provider.key]).as_dict(private=False))

    @app.post("/token")
    def token() -> AnyResponse:
        """Take a code, once, for tokens (RFC 6749, 4.1.3; RFC 7636, 4.6)."""
        grant = provider.codes.pop(request.form.get("code", ""), None)
        fault = fault_of(grant)
        if grant is None or fault:
            answer = jsonify({"error": fault})
            answer.status_code = 401 if fault == "invalid_client" else 400
            return answer
        access_token = secrets.token_urlsafe(24)
        provider.tokens[access_token] = grant
        return jsonify(
            {
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": TOKEN_LASTS,
                "id_token": provider.id_token(grant, access_token),
            }
        )

    @app.get("/userinfo")
    def userinfo() -> Response:
        kind, _, access_token = request.headers.get("Authorization", "").partition(" ")
        grant = provider.tokens.get(access_token)
        if kind != "Bearer" or grant is None:
            abort(401)
        person = grant.signed_in.person
        return jsonify({"sub": person.subject} | person.claims())


def fault_of(grant: Grant | None) -> str:
    """Name the fault of a request for tokens; empty if it has none."""
    given, form = request.authorization, request.form
    # RFC 6749, 2.3.1: both are encoded, if they stand in the header.
    client_id = unquote_plus((given and given.username) or "") or form.get("client_id", "")
    secret = unquote_plus((given and given.password) or "") or form.get("client_secret", "")
    if grant is None or time.time() > grant.ends:
        return "invalid_grant"
    known = client_id == grant.client.id
    if not known or not hmac.compare_digest(secret, grant.client.secret):
        return "invalid_client"
    verifier = request.form.get("code_verifier", "")
    challenge = encoded(hashlib.sha256(verifier.encode()).digest())
    asked = grant.asked
    same = asked.get("redirect_uri") == request.form.get("redirect_uri")
    return "" if same and challenge == asked.get("code_challenge") else "invalid_grant"
