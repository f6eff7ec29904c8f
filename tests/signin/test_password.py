import argon2

from webapp.signin import password


def test_a_password_is_verified_against_its_hash():
    stored = password.hash_password("correct horse battery")
    assert password.verify(stored, "correct horse battery")
    assert not password.verify(stored, "Correct horse battery")


def test_without_a_hash_no_password_is_right():
    assert not password.verify(None, "")
    assert not password.verify("not a hash", "anything")


def test_two_hashes_of_one_password_differ():
    assert password.hash_password("the same words") != password.hash_password("the same words")


def test_hashes_are_as_slow_as_the_standard_asks():
    """OWASP ASVS 5.0, appendix C: argon2id of three rounds with at least 12 MiB."""
    used = argon2.extract_parameters(password.hash_password("the same words"))
    assert used.type is argon2.Type.ID
    assert used.time_cost >= 3
    assert used.memory_cost >= 12_288
