"""What the factory makes by itself."""

from webapp import factory


def test_its_own_key_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "secret-key"
    key = factory.own_secret_key(path)
    assert len(key) >= 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert factory.own_secret_key(path) == key
    assert [one.name for one in tmp_path.iterdir()] == ["secret-key"]
    assert factory.own_secret_key(tmp_path / "other") != key
