"""The texts of a page as they are drawn, line by line, and what is badly set in them."""

import re
from collections.abc import Iterator

from flask import Flask
from playwright.sync_api import Page

from webapp.models import Client, Organisation, Subscription, User, db
from webapp.typography import set_text

# What stands together in one element, and is seen: all menus are opened. A dropdown draws each option as one line, and
# what machines have said, or is in another language, has its own rules. Behind a letter an X stands for what follows.
DRAWN = """() => {
  const OTHERS = "select, textarea, pre, body [lang], [translate=no], .reply";
  for (const part of document.querySelectorAll("details")) part.open = true;
  const root = document.querySelector("dialog[open]") ?? document.body;
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const drawn = [];
  while (walk.nextNode()) {
    const { data, nextSibling, parentElement } = walk.currentNode;
    if (parentElement.closest(OTHERS) || !parentElement.checkVisibility()) continue;
    const text = data.replace(/[ \\n]+/g, " ").trimStart();
    drawn.push(nextSibling && /(^|[ (])\\p{L} $/u.test(text) ? `${text}X` : text);
  }
  for (const one of root.querySelectorAll("[placeholder], [data-label], [data-example], [title]")) {
    drawn.push(one.title, one.placeholder ?? "", one.dataset.label ?? "", one.dataset.example ?? "");
  }
  for (const part of document.querySelectorAll("details")) part.open = false;
  return drawn;
}"""
# Three points for an ellipsis, a straight quotation mark, a hyphen for a dash, a space before a comma.
TYPED = re.compile(r'\.\.\.|"| - | [,;]')


def names(app: Flask) -> list[str]:
    """Everything on the pages that people have written, the longest first."""
    with app.app_context():
        columns = (
            *(Organisation.name, User.name, User.job_title, Client.city, Subscription.product),
            *(Client.note, User.note, Subscription.note),
        )
        written = {str(one) for column in columns for one in db.session.scalars(db.select(column))}
    return sorted(written - {"None", ""}, key=len, reverse=True)


def badly_set(page: Page, language: str, written: list[str]) -> Iterator[str]:
    """Yield the lines that break where they should not, or have signs of a typewriter."""
    theirs = re.compile("|".join(map(re.escape, written)))
    for line in sorted(set(page.evaluate(DRAWN))):
        ours = theirs.sub("X", line.rstrip(" –"))
        if set_text(ours, language) != ours or TYPED.search(ours):
            yield line
