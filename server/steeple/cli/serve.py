"""``steeple serve``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from steeple.cli import completion
from steeple.cli.options import JsonOption
from steeple.cli.output import Output


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", envvar="STEEPLE_CONFIG", metavar="FILE", help="Settings as TOML.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", metavar="HOST:PORT", help="Where to listen; port 0: any free one.")
    ] = None,
    access: Annotated[
        str | None,
        typer.Option(
            "--access",
            metavar="auto|open|keys",
            autocompletion=completion.choices("auto", "open", "keys"),
            help="Whether callers need a key; auto: beyond this host.",
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", metavar="FILE.pem", help="Talk TLS with this certificate.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE.pem", help="Its private key.")] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option("--tls-client-ca", metavar="FILE.pem", help="Clients need a certificate of this authority."),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Listen beyond this host without TLS or keys: others may read keys and photos, or change everything.",
        ),
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Keeps the catalogue, photos and the index.")
    ] = None,
    import_dir: Annotated[
        Path | None, typer.Option("--import-dir", metavar="DIR", help="Its sub-folders may be imported by their names.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Model release to serve."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration", metavar="FILE.json", help="Confidences by `steeple calibrate`, not the release's."
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option("--index", metavar="FACTORY", help="Index to train, such as OPQ20,IVF4096_HNSW32,PQ20."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="auto|cpu|gpu",
            autocompletion=completion.choices("auto", "cpu", "gpu"),
            help="Where the index is searched.",
        ),
    ] = None,
    milvus_uri: Annotated[
        str | None,
        typer.Option("--milvus-uri", metavar="URI", help="Milvus that keeps the index, as in http://milvus:19530."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Threads that extract, search and verify.")
    ] = None,
    max_concurrent_queries: Annotated[
        int | None, typer.Option("--max-concurrent-queries", metavar="N", help="More are told to come back.")
    ] = None,
    max_queue_delay_ms: Annotated[
        float | None,
        typer.Option(
            "--max-queue-delay-ms", metavar="MS", help="Queries that would wait longer are told to come back."
        ),
    ] = None,
    metrics_address: Annotated[
        str | None, typer.Option("--metrics-address", metavar="[HOST]:PORT", help="Serve metrics for Prometheus here.")
    ] = None,
    console_address: Annotated[
        str | None, typer.Option("--console-address", metavar="[HOST]:PORT", help="Serve the admin console here.")
    ] = None,
    keep_queries: Annotated[
        str | None,
        typer.Option(
            "--keep-queries",
            metavar="off|unknown|all",
            autocompletion=completion.choices("off", "unknown", "all"),
            help="Keep these queries for review; default: off.",
        ),
    ] = None,
    feedback: Annotated[
        str | None,
        typer.Option(
            "--feedback",
            metavar="on|off",
            autocompletion=completion.choices("on", "off"),
            help="Whether people may send feedback and photos, for review; default: on.",
        ),
    ] = None,
    log_format: Annotated[
        str | None, typer.Option("--log-format", metavar="text|json", autocompletion=completion.choices("text", "json"))
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level",
            metavar="LEVEL",
            autocompletion=completion.choices("DEBUG", "INFO", "WARNING", "ERROR"),
            help="DEBUG, INFO, WARNING or ERROR.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Serve a catalogue until told to stop (SIGTERM or Ctrl-C).

    Every setting can come from a flag, from the environment (STEEPLE_ADDRESS, STEEPLE_DATA_DIR, …) or from a
    TOML file; the first of these that has it wins. There are more settings than flags; they are described in
    steeple.server.settings.

    \b
    Examples:
      steeple serve
      steeple serve --address 0.0.0.0:50051 --data-dir /var/lib/steeple \\
          --tls-certificate cert.pem --tls-key key.pem
      steeple serve --console-address :8480
      steeple serve --metrics-address :9464
      STEEPLE_WORKERS=4 steeple serve --config steeple.toml --log-format json

    With --json, one line says when it is ready: {"event": "ready", "address": "127.0.0.1:50051", "port": 50051}.
    """
    from steeple.server.settings import Settings

    settings = Settings.load(
        config,
        address=address,
        access=access,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        insecure=insecure or None,
        data_dir=data_dir,
        import_dir=import_dir,
        model=model,
        calibration=calibration,
        index=index,
        device=device,
        milvus_uri=milvus_uri,
        workers=workers,
        max_concurrent_queries=max_concurrent_queries,
        max_queue_delay_ms=max_queue_delay_ms,
        metrics_address=metrics_address,
        console_address=console_address,
        keep_queries=keep_queries,
        feedback=feedback,
        log_format=log_format,
        log_level=log_level.upper() if log_level else None,
    )
    output = Output(as_json=json)

    console: list[str] = []  # its URL, once it listens

    def announce(port: int, model: str) -> None:
        host, colon, _ = settings.address.rpartition(":")
        bound = settings.address if settings.address.startswith("unix:") else f"{host}{colon}{port}"
        told = {"event": "ready", "address": bound, "port": port, "data_dir": str(settings.data_dir)}
        output.line(told | ({"console": console[0]} if console else {}))
        output.say(f"Steeple serves {model} on {bound} (data in {settings.data_dir}); stop with Ctrl-C")
        if console:
            output.say(f"The console is at {console[0]}")

    @asynccontextmanager
    async def beside(socket: Path) -> AsyncIterator[None]:
        from steeple.console.config import ConsoleConfig
        from steeple.console.identity_provider import Provider
        from steeple.console.serving import serving

        host, port = settings.console_host_port or ("", 0)
        secret = settings.oidc_client_secret.get_secret_value()
        provider = Provider(settings.oidc_issuer, settings.oidc_client_id, secret) if settings.oidc_issuer else None
        config = ConsoleConfig(
            f"unix:{socket}",
            host,
            port,
            hosts=settings.console_hosts,
            certificate=settings.tls_certificate,
            private_key=settings.tls_key,
            behind_tls=settings.console_behind_tls,
            provider=provider,
            tiles_url=settings.console_tiles_url,
        )
        async with serving(config) as url:
            console.append(url)
            yield

    from steeple.server.serve import serve as run  # after the settings: a wrong one is told before all this is loaded

    run(settings, on_ready=announce, beside=None if settings.console_host_port is None else beside)
