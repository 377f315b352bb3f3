"""Settings of file and command line, and what is refused before anything starts."""

from pathlib import Path

import pytest

from bubo.cli import main
from bubo.cli.serve import _settings, build_parser
from bubo.errors import InputError
from bubo.server.settings import Limits, ServerSettings, default_data_folder, is_loopback, read_config


def test_the_shipped_file_says_the_defaults(tmp_path):
    assert ServerSettings.load(tmp_path) == ServerSettings(tmp_path)
    assert set(read_config(None)["limits"]) == set(Limits.__dataclass_fields__)


def test_options_win_over_the_file(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("port: 9000\nhost: ::1\nhosts: [a.example]\nlimits: {turns: 7, undo_s: 1.5}\n")
    settings = ServerSettings.load(tmp_path, path, port=9001, host=None)
    assert (settings.port, settings.host, settings.hosts) == (9001, "::1", ("a.example",))
    assert (settings.limits.turns, settings.limits.undo_s, settings.limits.queue) == (7, 1.5, 64)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limits: {turn: 3}", "my.yaml' has an unknown limit: turn. Did you mean turns\\?"),
        ("limits: 3", "limits as names and values, but has 3"),
        ("limits: {turns: 0}", "turns must be a whole number of at least 1, but is 0"),
        ("limits: {turns: 1.5}", "turns must be"),
        ("limits: {turns: true}", "turns must be"),
        ("limits: {undo_s: -1}", "undo_s must be a number of at least 0"),
        ("prot: 80", "unknown key: prot. Did you mean port"),
        ("port: 70000", "port must be"),
        ("auth: maybe", "auth must be one of none, token, users"),
        ("auth: token", "at least 16 characters"),
        ("frame_ancestors: \"'self'; script-src *\"", "frame_ancestors"),
        ("limits: {sound_s: .nan}", "sound_s must be a number of at least 0, but is nan"),
        ("hosts: bubo.example.org", "hosts in the server's settings must be a list of names, but is 'bubo"),
        ("hosts: [5]", "hosts in the server's settings must be a list of names"),
        ("force: 'no'", "force in the server's settings must be true or false, but is 'no'"),
        ("host: 5", "host in the server's settings must be text, but is 5"),
        ("port: true", "port in the server's settings must be a whole number"),
        ("token: 1234567890123456789", "token in the server's settings must be text, but is of type int"),
        ("prot:", "unknown key: prot"),
        ("data: 5", "data in the server's settings must be text"),
        ("- a", "must hold names and values"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, words):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        ServerSettings.load(tmp_path, path)


def test_what_a_file_leaves_empty_stays_as_it_is(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("frame_ancestors:\nhosts:\nhttps: null\nlimits:\n")
    assert ServerSettings.load(tmp_path, path) == ServerSettings(tmp_path)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", {"127.0.0.1", "localhost", "[::1]"}),
        ("hosts: [a.example]", {"127.0.0.1", "localhost", "[::1]", "a.example"}),
        ("{host: 127.5.5.5}", {"127.0.0.1", "localhost", "[::1]", "127.5.5.5"}),
        ("{host: 0.0.0.0, hosts: [a.example]}", {"127.0.0.1", "localhost", "[::1]", "a.example"}),
        ("host: 0.0.0.0", set()),
    ],
)
def test_this_machine_may_always_call_the_server_by_its_own_names(tmp_path, text, hosts):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    arguments = build_parser().parse_args(["--config", str(path), "--data", str(tmp_path)])
    assert set(_settings(arguments).hosts) == hosts


def test_where_the_data_are(monkeypatch, home):
    for name in ("BUBO_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert default_data_folder() == home / ".local" / "share" / "bubo"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_folder() == Path("/data/bubo")
    monkeypatch.setenv("BUBO_HOME", "/models")
    assert default_data_folder() == Path("/models/server")


def test_others_are_not_let_in_without_auth(tmp_path):
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(InputError, match="can be reached by others"):
            ServerSettings(tmp_path, host=host).check_host()
        ServerSettings(tmp_path, host=host, force=True).check_host()
        ServerSettings(tmp_path, host=host, auth="token", token="t" * 20).check_host()
    for host in ("127.0.0.1", "127.5.5.5", "::1", "localhost"):
        assert is_loopback(host)
        ServerSettings(tmp_path, host=host).check_host()


def test_the_token_is_not_shown(tmp_path):
    assert "hush" not in repr(ServerSettings(tmp_path, auth="token", token="hush" * 5))


def test_the_command_refuses_before_it_loads_anything(tmp_path, capsys):
    data = ["--data", str(tmp_path)]
    assert main(["serve", "--host", "0.0.0.0", *data]) == 2
    assert "can be reached by others" in capsys.readouterr().err
    assert main(["serve", "--port", "99999", *data]) == 2
    assert main(["serve", "--config", str(tmp_path / "none.yaml"), *data]) == 2
    assert main(["serve", "--database-url", "mysql://x", "--port", "0", *data]) == 2


def test_users_are_added_and_removed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bubo.server.users._COST", {"n": 2**4, "r": 8, "p": 1})
    monkeypatch.setenv("BUBO_PASSWORD", "a good password")
    data = ["--data", str(tmp_path)]
    assert main(["serve", "--add-user", "ana", *data]) == 0
    said = capsys.readouterr().out
    assert "bubo-" in said
    assert "a good password" not in said
    assert main(["serve", "--remove-user", "ben", *data]) == 2
    assert main(["serve", "--remove-user", "ana", *data]) == 0
    monkeypatch.setenv("BUBO_PASSWORD", "short")
    assert main(["serve", "--add-user", "ana", *data]) == 2
