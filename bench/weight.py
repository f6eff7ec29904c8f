"""Measure the weight of a dashboard on the wire for a browser with an empty cache: the page and its files.

    python -m bench.weight

Answers are counted whole, with their headers.
"""

import gzip
import re
import socket
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlencode, urlsplit

from tools.served_demo import served_demo

LIMIT = 45_000
PAGE = "/partner/dashboard"
# The partner whose words are longest, Polish, and its admin.
PERSON = "Anna Wiśniewska"
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd", "Sec-Fetch-Site": "same-origin"}


def exchange(address: str, path: str, cookie: str = "", form: str = "") -> bytes:
    """Ask for one address, and return all bytes that come back over the wire."""
    host = urlsplit(address)
    headers = {"Host": host.netloc, "Connection": "close", "Cookie": cookie, **BROWSER}
    if form:
        headers |= {
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(form)),
        }
    lines = [f"{'POST' if form else 'GET'} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    with socket.create_connection((str(host.hostname), host.port or 80)) as connection:
        connection.sendall("\r\n".join([*lines, "", form]).encode())
        with connection.makefile("rb") as answer:
            return answer.read()


def parsed(answer: bytes) -> tuple[EmailMessage, str]:
    """Split an answer into its headers and the text of its page."""
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = message_from_bytes(head.partition(b"\r\n")[2], EmailMessage, policy=policy.HTTP)
    packed = headers["Content-Encoding"] == "gzip"
    return headers, (gzip.decompress(body) if packed else body).decode()


def cold(address: str, cookie: str) -> dict[str, int]:
    """Count the bytes of the dashboard and of each file that it names, by path."""
    answer = exchange(address, PAGE, cookie)
    _, page = parsed(answer)
    files = sorted(set(re.findall(r'"(/static/[^"#]+)', page)))
    assert files, page
    return {PAGE: len(answer)} | {file: len(exchange(address, file, cookie)) for file in files}


def signed_in(address: str) -> str:
    """Sign in as a demo person with one click, and return the cookies."""
    headers, page = parsed(exchange(address, "/sign-in"))
    cookie = cookies(headers)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    user = re.search(rf'name="user_id" value="(\d+)">\s*<span[^>]*>{PERSON}', page)
    assert token
    assert user
    form = urlencode({"csrf_token": token[1], "user_id": user[1]})
    headers, _ = parsed(exchange(address, "/sign-in/demo", cookie, form))
    return cookies(headers)


def cookies(headers: EmailMessage) -> str:
    """Return all cookies of an answer as a request sends them."""
    return "; ".join(str(value).partition(";")[0] for value in headers.get_all("Set-Cookie", ()))


def main() -> int:
    with served_demo() as address:
        weights = cold(address, signed_in(address))
    print("a cold dashboard on the wire, in bytes:")
    for path, weight in weights.items():
        print(f"{weight:8,}  {path}")
    total = sum(weights.values())
    print(f"{total:8,}  of {LIMIT:,}")
    return 0 if total <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
