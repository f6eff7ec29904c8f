"""Passwords are judged by how easily they are guessed, not by what they are made of."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import run
from webapp.domain.refusals import Refusal
from webapp.signin.password import LONGEST_PASSWORD
from webapp.signin.strength import weakness

ROOT = Path(__file__).resolve().parents[2]
OWN = {"anna", "nowak", "lighthouse", "agency", "portal", "example"}


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "CORRECT HORSE BATTERY",
        "żółta papuga na lodzie",
        "пароль из трёх слов",
        "7Gk2pQxW9z",
        # Names do no harm where enough is left without them.
        "Lighthouse correct horse battery",
    ],
)
def test_what_takes_many_tries_passes(password):
    assert weakness(password, OWN) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("anna.nowak", Refusal.PASSWORD_NAMES),
        ("Ännä.Nowåk1980", Refusal.PASSWORD_NAMES),
        ("Lighthouse Agency 1", Refusal.PASSWORD_NAMES),
        ("AnnaAnnaAnna", Refusal.PASSWORD_NAMES),
        ("password12", Refusal.PASSWORD_WORDS),
        ("P4$$w0rd12", Refusal.PASSWORD_WORDS),
        ("drowssap12", Refusal.PASSWORD_WORDS),
        ("asdfghjkl;'", Refusal.PASSWORD_KEYS),
        ("aaaaaaaaaaaa", Refusal.PASSWORD_REPEATS),
        ("abcdefghijkl", Refusal.PASSWORD_SEQUENCE),
        ("13/05/1980", Refusal.PASSWORD_DATE),
        ("a" * LONGEST_PASSWORD, Refusal.PASSWORD_REPEATS),
    ],
)
def test_a_weak_password_is_refused_for_its_reason(password, reason):
    assert weakness(password, OWN) is reason


@given(st.text(min_size=1, max_size=LONGEST_PASSWORD), st.sets(st.text(min_size=3)))
def test_any_text_is_judged(password, words):
    assert weakness(password, words) in {None, *Refusal}


def test_names_are_those_of_the_person_alone():
    assert weakness("violet giraffe", {"violet", "giraffe"}) is Refusal.PASSWORD_NAMES
    assert weakness("violet giraffe", set()) is None


def test_a_process_that_serves_pages_has_not_loaded_what_few_need(tmp_path):
    program = "import sys, webapp.app; webapp.app.create_app(); print(*sys.modules, sep='\\n')"
    modules = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=run.environment(PORTAL_INSTANCE_PATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "webapp.pages.second_factor" in modules
    assert not {"argon2", "zxcvbn", "pyotp", "segno", "smtplib", "email.policy"} & set(modules)
