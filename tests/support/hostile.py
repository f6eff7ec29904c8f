"""Hostile requests from a seed: any route, method, header, host, cookie, query and body, as bytes for a socket."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from tests.support.forms import FORMS, HUGE, Form

# fmt: off
TEXTS = [
    *(b"", b" ", b"0", b"-1", b"x", b"1e309", b"None", b"../../etc/passwd", b"%", b"%00", b"%zz", b"\x00"),
    *(b"\xff", b"\xed\xa0\x80", b"\xf0\x9f", b"\xc0\x80", "ż".encode(), "\u202e\u200b\u3164".encode()),
    *(b"\r\nX-Zq: 1", b"a\nX-Zq: 1", b"\x1b[2J", b"a\x0bb", b"9" * 30, HUGE.encode(), b"x" * 20_000),
    *(b"'\"><zq onzq=1>", b'" onzq="1', b"<zq>{{7*7}}${7*7}%(x)s{0}", b"</script><zq>", b"javascript:<zq>"),
    *(b"' OR 1=1 --", b"1;<zq>", b"//zq.example/<zq>", b"/\\zq.example", b"http://[", b"http://zq.example"),
    *(b"2027-02-30", b"31.12.2027", b"10:00", b"pl", b"en", b"partner", b"true", b"1", b"2", b"3"),
]
HOSTS = [
    *(b"a..b", b".", b"[", b"[::1]", b"[::1]:99999", b"a b", b"x" * 300, b"\xff\xc5", b"portal.test:0"),
    *(b"portal.test:x", b"portal.test@zq.example", b"<zq>", b"zq.example/x", b"-", b"xn--a", b"xn--0.pl", b""),
]
METHODS = ["GET"] * 24 + ["POST"] * 12 + ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]
QUERY = [
    *("q", "owner", "reach", "renewal", "state", "client", "recipient", "days", "sort", "after", "before"),
    *("lang", "next", "sent", "choice", "contact_id", "at", "tab"),
]
FIELDS = sorted({name for form in FORMS for name in (*form.good, *form.bad)} | {"next", "confirmed"})
HEADERS: list[tuple[bytes, Sequence[bytes]]] = [
    (b"Accept-Language", [b"pl", b"pt-BR", b"x" * 3_000, b"pl;q=nan, *;q=-1,,;", b"\xff", b"<zq>"]),
    (b"Accept-Encoding", [b"gzip", b"gzip;q=x", b"br, *;q=0", b"\xff"]),
    (b"HX-Request", [b"true", b"<zq>"]),
    (b"HX-Request-Type", [b"full", b"partial", b"\xff"]),
    (b"HX-Current-URL", [b"http://[", b"http://portal.test/<zq>?a=\xff", b"//zq.example/<zq>", b"\xff"]),
    (b"Referer", [b"http://[", b"http://portal.test/settings?<zq>", b"javascript:<zq>", b"\xff"]),
    (b"Origin", [*[b"http://portal.test"] * 5, b"null", b"http://zq.example", b"http://[", b"\xff", b"<zq>"]),
    (b"Sec-Fetch-Site", [*[b"same-origin"] * 5, b"none", b"same-site", b"cross-site", b"<zq>"]),
    (b"X-Forwarded-For", [b"203.0.113.9", b"x", b"<zq>", b"::1, 203.0.113.9", b"\xff"]),
    (b"X-Forwarded-Host", HOSTS),
    (b"X-Forwarded-Proto", [b"https", b"<zq>", b"\xff"]),
    (b"X-Forwarded-Prefix", [b"/renewals", b"/<zq>", b"/\xff", b"/odnowie\xc5\x84"]),
    (b"Authorization", [b"Bearer <zq>", b"Bearer \xff", b"Basic \xff", b"Basic eDp5", b"Digest a=", b"="]),
    (b"If-None-Match", [b'"<zq>"', b"W/\xff"]),
    (b"If-Modified-Since", [b"x", b"Thu, 99 Foo 0000 00:00:00 GMT"]),
    (b"Range", [b"bytes=0-1", b"bytes=9-1,\xff", b"x"]),
    (b"X-CSRFToken", TEXTS[:20]),
    (b"X-HTTP-Method-Override", [b"DELETE"]),
    (b"Cookie", [b"portal_session=<zq>", b"portal_language=\xff", b"portal_language=pl", b"=;;==", b"a" * 4_000]),
    (b"Content-Encoding", [b"gzip", b"\xff"]),
    (b"Upgrade", [b"websocket", b"h2c"]),
]
# fmt: on


@dataclass
class Person:
    """Somebody who sends requests: a session's cookie, the token of its forms, and what each form has shown."""

    name: str
    cookie: bytes = b""
    token: bytes = b""
    shown: dict[str, str] = field(default_factory=dict)


@dataclass
class Hostile:
    """A request as bytes, with what is said of it if its answer has a fault."""

    data: bytes
    told: str


@dataclass
class Maker:
    """Makes hostile requests to ``rules``, as in ``/x/<int:client_id>``, with ids and fields from ``values``."""

    rules: list[str]
    values: dict[str, Any]
    chance: random.Random

    def requests(self, people: list[Person]) -> Iterator[Hostile]:
        """Make requests without end: half of them of a real form, with up to two bad fields each."""
        while True:
            person = self.chance.choice(people)
            yield self.of_form(person) if self.chance.random() < 0.5 else self.of_route(person)

    def of_form(self, person: Person) -> Hostile:
        """Fill in a form, mostly one of the person's own, as if it had been opened just now."""
        own = [form for form in FORMS if form.actor == person.name]
        form: Form = self.chance.choice(own if own and self.chance.random() < 0.8 else FORMS)
        address = form.address.format(**self.values)
        fields = {b"shown": person.shown.get(address, "").encode()} | {
            name.encode(): text.format(**self.values).encode() for name, text in form.good.items()
        }
        for name in self.chance.sample([*form.bad, "next"], k=self.some(2)):
            bad = [text.encode(errors="surrogatepass") for text in form.bad.get(name, [])]
            fields[name.encode()] = self.chance.choice([*bad, *TEXTS])
        return self.request(person, "POST", address.encode(), list(fields.items()))

    def of_route(self, person: Person) -> Hostile:
        fields = [(self.name(), self.text()) for _ in range(self.some(4))]
        return self.request(person, self.chance.choice(METHODS), self.path(), fields)

    def path(self) -> bytes:
        rule = self.chance.choice([*self.rules, "/static/<name>", "/nope/<name>"])
        parts = []
        for part in rule.split("/"):
            if "<" not in part:
                parts.append(part.encode())
            elif self.chance.random() < 0.6:
                name = part.strip("<>").partition(":")[2]
                known = [value for key, value in self.values.items() if name.startswith(key)]
                parts.append(str(self.chance.choice(known or list(self.values.values()))).encode())
            else:
                parts.append(
                    quote_from_bytes(self.text(), safe=self.chance.choice(["", '/<>"'])).encode()
                )
        return b"/".join(parts)

    def request(
        self, person: Person, method: str, path: bytes, fields: list[tuple[bytes, bytes]]
    ) -> Hostile:
        """Write a request of these fields, mostly with the person's own cookie and token, and some odd headers."""
        kind, body = b"", b""
        if method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
            if self.chance.random() < 0.95:
                fields = [*fields, (b"csrf_token", person.token)]
            kind, body = self.chance.choice(BODIES)(self, fields)
        query = b"&".join(self.pair(self.query_name(), self.text()) for _ in range(self.some(3)))
        slashes = b"/" if self.chance.random() < 0.03 else b""
        target = slashes + path + (b"?" + query if query else b"")
        headers = [(b"Host", self.host()), (b"Connection", b"close")]
        if person.cookie and self.chance.random() < 0.95:
            headers.append((b"Cookie", person.cookie))
        if kind:
            headers.append((b"Content-Type", kind))
        if body:
            headers.append(
                self.chance.choice([*[(b"Content-Length", b"%d" % len(body))] * 9, CHUNKED])
            )
        if (CHUNKED in headers) and body:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        for name, texts in self.chance.sample(HEADERS, k=self.some(3)):
            headers.append((name, self.chance.choice(texts)))
        lines = [
            b"%s %s HTTP/1.1" % (method.encode(), target),
            *(b"%s: %s" % one for one in headers),
        ]
        data = b"\r\n".join([*lines, b"", body])
        return Hostile(data, f"{person.name}: {data[:400]!r}")

    def host(self) -> bytes:
        return self.chance.choice(HOSTS) if self.chance.random() < 0.05 else b"portal.test"

    def some(self, most: int) -> int:
        """Choose how many of something: none as often as one and none besides."""
        return self.chance.choice([0, *range(most + 1)])

    def text(self) -> bytes:
        return self.chance.choice(TEXTS)

    def name(self) -> bytes:
        return self.chance.choice(FIELDS).encode() if self.chance.random() < 0.8 else self.text()

    def query_name(self) -> bytes:
        return self.chance.choice(QUERY).encode() if self.chance.random() < 0.9 else self.text()

    def pair(self, name: bytes, value: bytes) -> bytes:
        """Write a name and its value for a query, rarely as raw bytes, but for those that end a line or a target."""
        if self.chance.random() < 0.05:
            return (name + b"=" + value).translate(None, b"\r\n\x00 ")[:5_000]
        return (
            quote_from_bytes(name[:5_000]).encode()
            + b"="
            + quote_from_bytes(value[:5_000]).encode()
        )


CHUNKED = (b"Transfer-Encoding", b"chunked")
Body = Callable[[Maker, list[tuple[bytes, bytes]]], tuple[bytes, bytes]]
FORM = b"application/x-www-form-urlencoded"


def urlencoded(maker: Maker, fields: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    return FORM, b"&".join(maker.pair(name, value) for name, value in fields)


def multipart(maker: Maker, fields: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    parts = []
    for name, value in fields:
        safe = name.translate(None, b'\r\n"')
        head = maker.chance.choice(
            [
                *[b'form-data; name="%s"' % safe] * 8,
                b'form-data; name="%s"; filename="<zq>.txt"' % safe,
                b"form-data",
                b'form-data; filename="x"',
                b"attachment; name*=utf-8''%ff",
                b'form-data; name="%s"\r\nContent-Type: text/plain; charset=utf-7' % safe,
            ]
        )
        parts.append(b"--zqb\r\nContent-Disposition: " + head + b"\r\n\r\n" + value + b"\r\n")
    end = maker.chance.choice([*[b"--zqb--\r\n"] * 5, b"", b"--zqb", b"--other--\r\n"])
    boundary = maker.chance.choice(
        [*[b"; boundary=zqb"] * 8, b"", b"; boundary=", b"; boundary=\xff"]
    )
    return b"multipart/form-data" + boundary, b"".join(parts) + end


def other(maker: Maker, fields: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    kinds = [
        b"application/json",
        b"text/plain",
        b"<zq>",
        b"\xff",
        b"multipart/mixed; boundary=zqb",
        FORM + b"; charset=utf-16",
    ]
    said = {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
    return maker.chance.choice(kinds), maker.chance.choice(
        [json.dumps(said).encode(), maker.text(), b""]
    )


def long(maker: Maker, fields: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    return FORM, maker.chance.choice(
        [b"a=" + b"x" * 1_100_000, b"a=" + b"x" * 2_500_000, b"a=b&" * 5_000]
    )


# One in a hundred is long.
BODIES: list[Body] = [*[urlencoded] * 69, *[multipart] * 22, *[other] * 8, long]
