"""Tests of the API keys: where they are found, the file's permissions, and that no output contains them."""

import subprocess
import sys
import traceback

import pytest

from speakkit import keys, paths
from speakkit.errors import BadValue, ConfigError, StorageError

SECRET = "AIzaSy-0123456789_secret"

STORING = """
import sys
from speakkit import keys

for number in range(25):
    keys.store(sys.argv[1], f"{sys.argv[1]}-{number}")
"""


@pytest.fixture(autouse=True)
def secrets(tmp_path, monkeypatch):
    """Set a home without keys and clear the keys from the environment; returns the path of secrets.toml."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    for variables in keys.VARIABLES.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    paths.secrets().parent.mkdir()
    return paths.secrets()


def written(text, mode=0o600):
    paths.secrets().touch(0o600)
    paths.secrets().write_text(text)
    paths.secrets().chmod(mode)


def test_no_key_is_none():
    """find() returns None if no key is set; the cloud engine reports what to do."""
    assert keys.find("gemini") is None


@pytest.mark.parametrize("service", keys.VARIABLES)
def test_the_first_variable_counts(service, monkeypatch):
    """The first variable overrides the others and the file; an empty one is skipped."""
    keys.store(service, "from-file")
    found = keys.find(service)
    assert (found.value, found.source) == ("from-file", "secrets.toml line 2")
    for variable in reversed(keys.VARIABLES[service]):
        monkeypatch.setenv(variable, f" {variable}-key\n")
        found = keys.find(service)
        assert (found.value, found.source) == (f"{variable}-key", variable)
    monkeypatch.setenv(keys.VARIABLES[service][0], " ")
    assert keys.find(service).source == keys.VARIABLES[service][1]


def test_a_key_in_the_environment_needs_no_file(monkeypatch):
    """With a key in the environment, the file is not read, even if it is invalid."""
    written("gemini = 1", 0o644)
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    assert keys.find("gemini").value == SECRET


def test_what_is_no_key_in_the_environment(monkeypatch):
    """An invalid key in the environment raises ConfigError with the variable's name, and without the value."""
    monkeypatch.setenv("GEMINI_API_KEY", f"{SECRET} {SECRET}")
    with pytest.raises(ConfigError, match=r"^GEMINI_API_KEY is not an API key: a key is 1 to 4096 ASCII"):
        keys.find("gemini")


def test_a_key_is_not_shown():
    """The repr and the str of a key do not contain it."""
    assert SECRET not in repr([keys.Key(SECRET, "secrets.toml")])
    assert SECRET not in f"{keys.Key(SECRET, 'secrets.toml')}"


def test_a_stored_key_is_private(secrets):
    """Storing a key creates a private file and keeps the other keys in it."""
    keys.store("inworld", f"  {SECRET}==\n")
    keys.store("gemini", "first")
    keys.store("gemini", 'sec"o\\nd')
    assert keys.find("inworld").value == f"{SECRET}=="
    assert keys.find("gemini").value == 'sec"o\\nd'
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in secrets.parent.iterdir()) == [".secrets.toml.lock", "secrets.toml"]


@pytest.mark.parametrize("key", ["", " \n", "two words", "two\nlines", "schlüssel", "nul\0", "k" * 4097])
def test_what_is_no_key_is_refused(key, secrets):
    """Storing an invalid key raises BadValue with a message that does not contain it."""
    with pytest.raises(BadValue) as caught:
        keys.store("gemini", key)
    assert str(caught.value) == "the given text is not an API key: a key is 1 to 4096 ASCII characters without spaces"
    assert not secrets.exists()


@pytest.mark.parametrize("deed", [lambda: keys.find("gemini"), lambda: keys.store("inworld", "other")])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"gemini = '{SECRET}'\ngemeni = ''", "line 2: there is no service 'gemeni'; try gemini or inworld"),
        (f"{SECRET} = 'gemini'", "secrets.toml line 1: there is no service of that name; try gemini or inworld"),
        (f"gemini = ['{SECRET}']", "gemini is not an API key: a key is 1 to 4096 ASCII characters without spaces"),
        (
            f"gemini = '{SECRET} {SECRET}'",
            "gemini is not an API key: a key is 1 to 4096 ASCII characters without spaces",
        ),
        (f"gemini = {SECRET}", "secrets.toml is not TOML: (at line 1, column 10)"),
        (f"{SECRET}", "secrets.toml is not TOML: (at end of document)"),
    ],
)
def test_a_fault_in_the_file_shows_no_key(text, message, deed, secrets):
    """A fault in the file raises ConfigError with no key in message or traceback, and the file stays unchanged."""
    written(text)
    with pytest.raises(ConfigError) as caught:
        deed()
    assert str(caught.value).endswith(message)
    assert SECRET not in "".join(traceback.format_exception_only(caught.value))
    assert secrets.read_text() == text


@pytest.mark.parametrize("deed", [lambda: keys.find("gemini"), lambda: keys.store("gemini", "other")])
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_file_that_others_may_touch_is_refused(mode, deed, secrets):
    """A file that other users can read or write is refused with the command that mends it, and is left unchanged."""
    written(f"gemini = '{SECRET}'", mode)
    with pytest.raises(ConfigError, match=f"try: chmod 600 {secrets}$"):
        deed()
    assert secrets.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("service", ["gemeni", SECRET, "GEMINI"])
def test_an_unknown_service(service):
    """The error about an unknown service repeats its name only if it cannot be a key."""
    for deed in (keys.find, lambda name: keys.store(name, "key")):
        with pytest.raises(BadValue, match=r"there is no service .*; try gemini or inworld") as caught:
            deed(service)
        assert SECRET not in str(caught.value)


def test_a_folder_that_cannot_be_made(tmp_path):
    """An error about a folder that cannot be made names the file."""
    (tmp_path / "config").rmdir()
    (tmp_path / "config").touch()
    with pytest.raises(StorageError, match=r"cannot write .*/config/secrets\.toml: file exists") as caught:
        keys.store("gemini", SECRET)
    assert SECRET not in str(caught.value)


def test_writers_at_once_lose_no_key():
    """Two processes that each store the keys of one service at the same time lose no key."""
    processes = [subprocess.Popen([sys.executable, "-c", STORING, service]) for service in keys.VARIABLES]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert keys.find("gemini").value == "gemini-24"
    assert keys.find("inworld").value == "inworld-24"
