"""Settings: file, environment and flags, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.errors import InvalidArgumentError
from steeple.server.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", *(field.upper() for field in Settings.model_fields)):
        monkeypatch.delenv(f"STEEPLE_{name}", raising=False)


def test_defaults_listen_on_this_host_only() -> None:
    settings = Settings.load()
    assert settings.address == "127.0.0.1:50051"
    assert settings.max_message_bytes == 24 * 2**20
    assert settings.workers >= 1
    assert settings.data_dir.is_absolute()


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "steeple.toml"
    file.write_text('workers = 3\nmax_streams = 4\nlog_format = "json"\naddress = "127.0.0.1:1"\n', encoding="utf-8")
    monkeypatch.setenv("STEEPLE_MAX_STREAMS", "5")
    monkeypatch.setenv("STEEPLE_ADDRESS", "127.0.0.1:2")
    settings = Settings.load(file, address="127.0.0.1:3", log_level=None)
    assert (settings.workers, settings.max_streams, settings.address) == (3, 5, "127.0.0.1:3")
    assert (settings.log_format, settings.log_level) == ("json", "INFO")


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "steeple.toml"
    file.write_text("workers = 7\n", encoding="utf-8")
    monkeypatch.setenv("STEEPLE_CONFIG", str(file))
    assert Settings.load().workers == 7


def test_what_other_parts_read_from_the_environment_is_no_setting_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", "somewhere:1")
    Settings.load()


def test_everything_lies_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path)
    assert settings.catalogue_url == f"sqlite:///{tmp_path}/catalogue.db"
    assert settings.photos_url == str(tmp_path / "images")
    other = Settings.load(data_dir=tmp_path, database_url="postgresql://db/steeple", images_url="s3://photos")
    assert (other.catalogue_url, other.photos_url) == ("postgresql://db/steeple", "s3://photos")


def test_the_password_of_a_database_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEEPLE_DATABASE_URL", "postgresql://me:s3cret@db/steeple")
    settings = Settings.load()
    assert settings.catalogue_url == "postgresql://me:s3cret@db/steeple"
    assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"workers": 0}, "setting workers (environment: STEEPLE_WORKERS)"),
        ({"workers": "many"}, "valid integer"),
        ({"address": "50051"}, "HOST:PORT"),
        ({"address": "localhost:65536"}, "HOST:PORT"),
        ({"address": "localhost:²"}, "HOST:PORT"),
        ({"address": "unix:"}, "HOST:PORT"),
        ({"log_format": "xml"}, "'text' or 'json'"),
        ({"shutdown_grace_seconds": float("nan")}, "finite"),
        ({"device": "tpu"}, "'auto', 'cpu' or 'gpu'"),
        ({"probes": 0}, "setting probes"),
        ({"neighbours": 5000}, "1024"),
        ({"batch_delay_ms": -1}, "setting batch_delay_ms"),
        ({"index": "IVF16,PQ20x4fs"}, "setting index (environment: STEEPLE_INDEX): index 'IVF16,PQ20x4fs' is a 4-bit"),
        ({"max_message_bytes": 1}, "65536"),
        ({"colour": "red"}, "there is no setting 'colour'; those there are: access, address, batch_delay_ms, "),
    ],
)
def test_a_wrong_setting_is_named(flags: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Settings.load(None, **flags)
    assert said in caught.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"no settings file .*missing\.toml"):
        Settings.load(tmp_path / "missing.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("workers = [\n", encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=r"cannot be read from .*broken\.toml"):
        Settings.load(broken)
    unknown = tmp_path / "unknown.toml"
    unknown.write_text("worker = 2\n", encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match="no setting 'worker'"):
        Settings.load(unknown)


@pytest.mark.parametrize("address", ["[::1]:0", "unix:/run/steeple.sock", "example.org:443"])
def test_addresses_of_every_kind_are_taken(address: str) -> None:
    assert Settings.load(address=address, insecure=True).address == address


@pytest.mark.parametrize(
    ("address", "host_port"),
    [
        ("", None),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),  # noqa: S104 - what somebody may want
        ("[::1]:0", ("::1", 0)),
    ],
)
def test_metrics_are_off_or_on_the_loopback_unless_a_host_is_given(
    address: str, host_port: tuple[str, int] | None
) -> None:
    assert Settings(metrics_address=address).metrics_host_port == host_port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metrics_address", "9464"),
        ("metrics_address", "host:name"),
        ("metrics_address", ":99999"),
        ("trace_endpoint", "localhost:4318"),
    ],
)
def test_addresses_that_are_none_are_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"setting {name} .*, such as"):
        Settings.load(None, **{name: value})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"console_address": "0.0.0.0:8480", "access": "keys"}, "set tls_certificate and tls_key"),
        ({"console_address": "0.0.0.0:8480"}, 'access = "keys"'),
        ({"console_address": ":8480", "console_behind_tls": True}, 'set access = "keys"'),
        ({"console_address": "nonsense"}, "HOST:PORT"),
    ],
)
def test_a_console_that_others_reach_is_refused_where_they_could_do_harm(given: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidArgumentError, match="console") as refused:
        Settings.load(**given)  # type: ignore[arg-type]
    assert told in refused.value.message


def test_a_console_of_this_host_or_behind_keys_and_tls_is_not() -> None:
    assert Settings.load(console_address=":8480").console_host_port == ("127.0.0.1", 8480)
    assert Settings.load(console_address="[::1]:0").console_host_port == ("::1", 0)
    behind = Settings.load(console_address="0.0.0.0:8480", console_behind_tls=True, access="keys")
    assert behind.console_objection == ""
    assert (
        "console_behind_tls"
        in Settings.load(console_address=":8480", console_behind_tls=True, insecure=True).console_objection
    )
    assert Settings.load().console_host_port is None


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"milvus_uri": "http://milvus:19530", "device": "gpu"}, "for GPUs of Milvus, set milvus_kind = GPU_IVF_PQ"),
        ({"milvus_uri": "http://milvus:19530", "index": "IVF1024,PQ20"}, "index is a factory string of FAISS"),
        ({"milvus_uri": "http://milvus:19530", "batching": "on"}, "leave one of the two out"),
        ({"milvus_token": "root:secret"}, "set milvus_uri as well"),
        ({"milvus_kind": "GPU_IVF_PQ"}, "set milvus_uri as well"),
        ({"milvus_uri": "http://root:secret@milvus:19530"}, "set milvus_token"),
        ({"milvus_uri": "milvus:19530"}, "must read http://HOST:PORT"),
        ({"milvus_uri": "http://milvus:many"}, "must read http://HOST:PORT"),
        ({"milvus_prefix": "a-b"}, "milvus_prefix"),
    ],
)
def test_settings_of_milvus_that_make_no_sense_are_refused(flags: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        Settings.load(**flags)
    assert said in error.value.message
    assert "secret" not in error.value.message


def test_a_token_for_milvus_is_not_shown() -> None:
    settings = Settings.load(milvus_uri="https://milvus", milvus_token="root:quiet")  # noqa: S106 - of no server
    assert settings.milvus_token.get_secret_value() == "root:quiet"
    assert "quiet" not in repr(settings)
