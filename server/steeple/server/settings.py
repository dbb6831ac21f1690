"""All that can be set about a server, from a TOML file, the environment and flags, in that order."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from steeple.delf.image import MAX_PIXELS
from steeple.delf.release import DEFAULT_RELEASE
from steeple.errors import InvalidArgumentError
from steeple.server import exposure, milvus_settings
from steeple.server.index_factory import IndexFactory
from steeple.server.object_storage import check_url
from steeple.server.processors import processors

CONFIG_VARIABLE: Final = "STEEPLE_CONFIG"
"""Environment variable that names the TOML file."""

_PREFIX: Final = "STEEPLE_"
_LOOPBACK: Final = "127.0.0.1"


def _workers() -> int:
    return max(2, processors())


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) <= 65535


def catalogue_file_url(data_dir: Path) -> str:
    """SQLAlchemy URL of the catalogue that a data folder has if no setting names another."""
    return f"sqlite:///{data_dir / 'catalogue.db'}"


class Settings(BaseSettings):
    """Settings of one server; read them with :meth:`load`.

    Attributes:
        address: ``HOST:PORT`` or ``unix:PATH`` to listen on. Port 0: any free one.
        access: ``keys``: callers need one; ``open``: everyone may do everything; ``auto``: open where only this host
            can reach the server, else keys.
        health_access: Whether ``grpc.health.v1`` needs a key, of any scope, where the other services do.
        reflection_access: The same of gRPC reflection.
        session_idle_hours: Hours after its last use that the session of a person who has signed in ends.
        session_longest_days: Days after which it ends in any case.
        oidc_issuer: URL of an OpenID Connect provider whose ID tokens people may sign in with; empty: none.
        oidc_client_id: What the provider knows this server by.
        oidc_client_secret: By which it believes that, where it asks for one.
        tls_certificate: PEM file of the server's certificate chain; read again when it changes.
        tls_key: PEM file of its private key.
        tls_client_ca: PEM file of the certificates that those of clients must come from; None: clients need none.
        insecure: Listens beyond this host also without keys or TLS.
        data_dir: Folder of everything the server keeps. One server at a time may use it.
        database_url: SQLAlchemy URL of the catalogue, ``postgresql://USER:PASSWORD@HOST/DATABASE``; empty: a SQLite
            file in ``data_dir``.
        images_url: Folder or fsspec URL of the photos, such as ``s3://bucket/images``; empty: a folder in ``data_dir``.
        files_url: Folder or fsspec URL, such as ``s3://bucket/files``, of what all servers of a catalogue need:
            uploads, what operations have made, packs, kept queries; empty: folders in ``data_dir``.
        import_dir: Folder of the server's disk whose sub-folders may be named, to import their photos or to discover
            landmarks in them; None: none may.
        snapshots_dir: Folder of snapshots, of one server, or fsspec URL, such as ``s3://bucket/snapshots``, of all
            servers of a catalogue; empty: ``snapshots`` in ``files_url``, or else in ``data_dir``.
        snapshots_keep: Latest snapshots that are kept when one is made, unless its maker says otherwise; 0: all.
        model: Name or folder of the model release to serve.
        calibration: File of `steeple calibrate`, to answer by instead of the model release's calibration.
        index: FAISS factory string of the index, ``[OPQm,]IVFn[_HNSWk],PQm``, which is trained on the catalogue once
            that is large enough; empty: the model release's, and more inverted lists as the catalogue grows.
        probes: Inverted lists visited per descriptor; None: as the model release says.
        neighbours: Nearest neighbours fetched per descriptor; None: as the model release says.
        device: Where the index is searched: ``gpu``, ``cpu``, or ``auto``: on a GPU where FAISS sees one.
        batching: Whether queries that come at once share a call of FAISS: ``on``, or ``off``, as ``auto`` says too.
        batch_delay_ms: Milliseconds that a query waits at most for others that have begun.
        batch_descriptors: Descriptors of such a call, at most.
        milvus_uri: ``http://HOST:PORT`` of the Milvus that keeps the index, for any number of servers; empty: FAISS
            does, in this one. Needs the extra ``milvus``.
        milvus_token: ``user:password`` or API key for Milvus; empty: it asks for none.
        milvus_kind: Of its index: ``IVF_PQ``, or ``GPU_IVF_PQ`` where Milvus has GPUs.
        milvus_prefix: How names of its collections begin, for people; the catalogue's identity follows, so that others
            that have the same prefix are not in the way.
        workers: Threads that extract, search and verify; by default one a processor, and at least 2: what takes long
            may have half of them, so that others do not wait for it.
        max_concurrent_queries: Queries and photo uploads worked on or waiting; more are refused with a delay after
            which to try again.
        max_queue_delay_ms: Milliseconds that these wait for a thread at most: those that would wait longer, by what
            such work has taken, are refused at once.
        max_streams: Cameras connected at once.
        max_message_bytes: A larger request is refused.
        max_image_pixels: A photo of more is refused before it is decoded.
        keepalive_seconds: A connection that was silent for so long is asked whether its client is there.
        keepalive_timeout_seconds: A client that does not answer for so long is taken for gone, with all its calls.
        max_connection_idle_seconds: A connection without a call for so long is closed; 0: never.
        max_connection_age_seconds: A connection this old is closed when its calls have ended, 5 minutes later in any
            case, so that load balancers can spread clients anew; 0: never.
        decode_memory_bytes: That photos being decoded take together; one alone may take three quarters of it.
        max_upload_bytes: Of all files together that callers have sent in pieces and not deleted yet.
        metrics_address: ``HOST:PORT`` to serve metrics on over HTTP, for Prometheus; ``:PORT`` is of the loopback
            interface, port 0 any free one. Empty: none are served.
        console_address: ``HOST:PORT`` to serve the admin console on, for browsers; ``:PORT`` is of the loopback
            interface, port 0 any free one. Empty: it is not served. It talks TLS where the server does.
        console_hosts: Names that browsers may call it by, besides those of this host.
        console_behind_tls: Whether something before it talks TLS with browsers.
        console_tiles_url: Of the tiles of its map, ``https://HOST/{z}/{x}/{y}.png``, which browsers then fetch from
            there; empty: the map is a plain one, and nothing is fetched from elsewhere.
        trace_endpoint: Where traces go: the URL of an OpenTelemetry collector that takes OTLP over HTTP, such as
            ``http://localhost:4318``. Empty: nothing is traced. Needs the extra ``tracing``.
        deleted_retention_days: Days that deleted landmarks and reference images are kept and can be undeleted; 0: none.
        keep_queries: Which queries are kept for review: ``off``: none; ``unknown``: those answered so; ``all``.
        keep_queries_sample: Share of these that is kept, chosen at random.
        keep_queries_excluded_keys: Ids of keys whose queries are never kept, nor those of keys that have replaced them.
        kept_queries_retention_days: Days after which a kept query is deleted.
        kept_queries_max_bytes: Of the files of all kept queries; the oldest are deleted first.
        feedback: Whether feedback and proposals that people send are taken, and kept as queries are: ``on`` or ``off``.
        feedback_per_day: Of these, that one key may send in 24 hours; all callers together, where none is asked for.
        drain_delay_seconds: Time for which a server that is told to stop says that it is not ready and goes on taking
            calls, for load balancers to notice; then the grace begins.
        shutdown_grace_seconds: Time that calls in progress get when the server is told to stop.
        log_format: ``text`` for people, ``json`` for one JSON object a line.
        log_level: Least severe level that is logged.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=_PREFIX, extra="forbid", frozen=True, protected_namespaces=()
    )

    address: str = "127.0.0.1:50051"
    access: Literal["auto", "open", "keys"] = "auto"
    health_access: Literal["open", "keys"] = "open"
    reflection_access: Literal["open", "keys"] = "open"
    session_idle_hours: Annotated[float, Field(gt=0, le=8784, allow_inf_nan=False)] = 12.0
    session_longest_days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] = 30.0
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    insecure: bool = False
    data_dir: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "steeple")
    database_url: SecretStr = SecretStr("")
    images_url: str = ""
    files_url: str = ""
    import_dir: Path | None = None
    snapshots_dir: str = ""
    snapshots_keep: Annotated[int, Field(ge=0)] = 0
    model: str = DEFAULT_RELEASE
    calibration: Path | None = None
    index: str = ""
    probes: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    neighbours: Annotated[int, Field(ge=1, le=1024)] | None = None
    device: Literal["auto", "cpu", "gpu"] = "auto"
    batching: Literal["auto", "on", "off"] = "auto"
    batch_delay_ms: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 2.0
    batch_descriptors: Annotated[int, Field(ge=1)] = 16384
    milvus_uri: str = ""
    milvus_token: SecretStr = SecretStr("")
    milvus_kind: Literal["IVF_PQ", "GPU_IVF_PQ"] = "IVF_PQ"
    milvus_prefix: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")] = "steeple"
    workers: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=_workers)
    max_concurrent_queries: Annotated[int, Field(ge=1)] = 32
    max_queue_delay_ms: Annotated[float, Field(ge=0, le=600_000, allow_inf_nan=False)] = 1000.0
    max_streams: Annotated[int, Field(ge=1)] = 64
    max_message_bytes: Annotated[int, Field(ge=64 * 1024, le=2**31 - 1)] = 24 * 2**20
    max_image_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS
    keepalive_seconds: Annotated[float, Field(ge=0.1, le=86_400, allow_inf_nan=False)] = 30.0
    keepalive_timeout_seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = 15.0
    max_connection_idle_seconds: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 900.0
    max_connection_age_seconds: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 3600.0
    decode_memory_bytes: Annotated[int, Field(ge=64 * 2**20)] = 2 * 2**30
    max_upload_bytes: Annotated[int, Field(ge=0)] = 64 * 2**30
    metrics_address: str = ""
    console_address: str = ""
    console_hosts: tuple[str, ...] = ()
    console_behind_tls: bool = False
    console_tiles_url: str = ""
    trace_endpoint: str = ""
    deleted_retention_days: Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False)] = 30.0
    keep_queries: Literal["off", "unknown", "all"] = "off"
    keep_queries_sample: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    keep_queries_excluded_keys: tuple[str, ...] = ()
    kept_queries_retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] = 30.0
    kept_queries_max_bytes: Annotated[int, Field(ge=0)] = 2**30
    feedback: Literal["on", "off"] = "on"
    feedback_per_day: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    drain_delay_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0
    shutdown_grace_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str) -> str:
        if address.startswith("unix:") and len(address) > len("unix:"):
            return address
        host, colon, port = address.rpartition(":")
        if not (host and colon and _is_port(port)):
            raise ValueError(f"must read HOST:PORT, such as 127.0.0.1:50051, not {address!r}")
        return address

    @field_validator("metrics_address", "console_address")
    @classmethod
    def _check_http_address(cls, address: str) -> str:
        if not address:
            return ""
        host, colon, port = address.rpartition(":")
        if not (colon and _is_port(port)):
            raise ValueError(f"must read HOST:PORT or :PORT, such as :9464, not {address!r}")
        return f"{host or _LOOPBACK}:{port}"

    @field_validator("trace_endpoint")
    @classmethod
    def _check_trace_endpoint(cls, endpoint: str) -> str:
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise ValueError(f"must be a URL, such as http://localhost:4318, not {endpoint!r}")
        return endpoint

    @field_validator("oidc_issuer")
    @classmethod
    def _check_oidc_issuer(cls, issuer: str) -> str:
        if issuer and not exposure.is_private(issuer):
            raise ValueError(f"must be a URL, such as https://id.example.org, not {issuer!r}")
        return issuer

    @field_validator("index")
    @classmethod
    def _check_index(cls, index: str) -> str:
        if index:
            try:
                IndexFactory.parse(index)
            except InvalidArgumentError as error:
                raise ValueError(error.message) from error
        return index

    @field_validator("images_url", "files_url", "snapshots_dir", mode="before")
    @classmethod
    def _check_url(cls, url: object) -> object:
        try:
            return check_url(os.fspath(url)) if isinstance(url, str | os.PathLike) else url
        except InvalidArgumentError as error:
            raise ValueError(error.message) from error

    @field_validator("milvus_uri")
    @classmethod
    def _check_milvus_uri(cls, uri: str) -> str:
        if objection := milvus_settings.uri_objection(uri):
            raise ValueError(objection)
        return uri

    @field_validator("data_dir", "import_dir")
    @classmethod
    def _make_absolute(cls, folder: Path | None) -> Path | None:
        return None if folder is None else folder.expanduser().absolute()

    @model_validator(mode="after")
    def _check_exposure(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together: set both or neither")
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("oidc_issuer and oidc_client_id go together: set both or neither")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("tls_client_ca needs tls_certificate and tls_key")
        if wrong := milvus_settings.objection(self):
            raise ValueError(wrong)
        for objection in filter(None, (self.objection, self.console_objection)):
            if not self.insecure:
                raise ValueError(objection)
        return self

    @property
    def objection(self) -> str:
        """Why a server with these settings must not listen unless it is told ``insecure``; empty if it may."""
        return exposure.objection(self.address, keys=self.asks_for_keys, tls=self.tls_certificate is not None)

    @property
    def console_objection(self) -> str:
        """The same of its console."""
        if not self.console_address:
            return ""
        if self.console_behind_tls and not self.asks_for_keys:
            return (
                "console_behind_tls says that others reach the console through what talks TLS for it, and whoever does "
                'may change and delete the catalogue; set access = "keys", or accept that with --insecure'
            )
        tls = self.tls_certificate is not None or self.console_behind_tls
        objection = exposure.objection(self.console_address, keys=self.asks_for_keys, tls=tls)
        return objection and f"console_address {objection}"

    @property
    def asks_for_keys(self) -> bool:
        """Whether callers need a key."""
        return self.access == "keys" or (self.access == "auto" and not exposure.is_local(self.address))

    @property
    def index_factory(self) -> IndexFactory | None:
        """What :attr:`index` names, if it names something."""
        return IndexFactory.parse(self.index) if self.index else None

    @property
    def metrics_host_port(self) -> tuple[str, int] | None:
        """What :attr:`metrics_address` names, if it names something; an IPv6 host without its brackets."""
        return _host_port(self.metrics_address)

    @property
    def console_host_port(self) -> tuple[str, int] | None:
        """The same of :attr:`console_address`."""
        return _host_port(self.console_address)

    @property
    def catalogue_url(self) -> str:
        """SQLAlchemy URL of the catalogue."""
        return self.database_url.get_secret_value() or catalogue_file_url(self.data_dir)

    @property
    def photos_url(self) -> str:
        """Folder or fsspec URL of the photos."""
        return self.images_url or str(self.data_dir / "images")

    @property
    def snapshots_place(self) -> str:
        """Folder or fsspec URL of the snapshots."""
        shared = f"{self.files_url.rstrip('/')}/snapshots" if self.files_url else ""
        return self.snapshots_dir or shared or str(self.data_dir / "snapshots")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before environment before file (the first that has a value wins)."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))

    @staticmethod
    def load(config: str | os.PathLike[str] | None = None, **flags: object) -> Settings:
        """Settings from a TOML file, overridden by ``STEEPLE_*``, overridden by ``flags``.

        Args:
            config: The file; by default the one that ``STEEPLE_CONFIG`` names, if it does.
            flags: Fields by name; None stands for a flag that was not given.

        Raises:
            InvalidArgumentError: If the file cannot be read, or a setting is unknown or out of range.
        """
        named = config if config is not None else os.environ.get(CONFIG_VARIABLE) or None
        path = None if named is None else Path(named).expanduser()
        if path is not None and not path.is_file():
            raise InvalidArgumentError(f"there is no settings file {path}")

        class FromFile(Settings):
            model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(toml_file=path)

        given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
        try:
            return FromFile(**given)
        except ValidationError as error:
            raise InvalidArgumentError("; ".join(_explanations(error))) from error
        except (tomllib.TOMLDecodeError, SettingsError, OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"settings cannot be read from {path or 'the environment'}: {error}") from error


def _host_port(address: str) -> tuple[str, int] | None:
    if not address:
        return None
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _explanations(error: ValidationError) -> list[str]:
    """One sentence a wrong setting, in its user's words rather than pydantic's."""
    explanations = []
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = ", ".join(sorted(Settings.model_fields))
            explanations.append(f"there is no setting {name!r}; those there are: {known}")
        else:
            text = problem["msg"].removeprefix("Value error, ")
            if not name:  # about several of them
                explanations.append(text)
                continue
            explanations.append(f"setting {name} (environment: {_PREFIX}{name.upper()}): {text}")
    return explanations
