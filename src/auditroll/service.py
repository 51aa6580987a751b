"""The composition root: the only place that chooses implementations, and the life of a server."""

import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import uvicorn

from auditroll import console
from auditroll.access import Control, Tenant
from auditroll.api import Installation, Services, create_app, credential_of
from auditroll.collect import Collector, Findings, OwnEvents, Upkeep
from auditroll.disk import Disk
from auditroll.errors import AccessError, Error, PolicyError
from auditroll.keys import KeyStore
from auditroll.query import Engine, InstalledSource
from auditroll.seal import SequencerClient
from auditroll.store import DataFolder
from auditroll.vault.assign import Vault
from auditroll.wire import ProducerCredential

__all__ = ["Ready", "Settings", "serve", "started"]

_log = logging.getLogger("auditroll")

LOCAL_PRODUCER: Final = "local"
READER_LABEL: Final = "ready-file"
GRACE_S: Final = 5
REFRESH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is started.

    Args:
        data: The data folder.
        host: Address to bind; a loopback address.
        port: Port to bind; 0 takes a free one.
        ready_file: Written when it serves.
        tenant: The first tenant.
        installation: Its name, or None for the one the folder has.
        seal_after_s: Longest time a record stays without a segment.
    """

    data: Path
    host: str
    port: int
    ready_file: Path
    tenant: str = "default"
    installation: str | None = None
    seal_after_s: float = 300.0


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The ready file: where everything is. Names secrets' files, and holds the one-time link."""

    console_url: str
    api_url: str
    ingest_url: str
    enrol_url: str
    data_dir: str
    producer_key_file: str
    reader_token_file: str


def serve(settings: Settings) -> int:
    """Run until interrupted and return the exit code.

    Raises:
        PolicyError: The settings are unsafe, or another process owns the folder.
        IntegrityError: The folder is not what was left.
    """
    _refuse_unsafe(settings)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings))


def _refuse_unsafe(settings: Settings) -> None:
    """Refuse an address that others can reach: there is no transport security yet.

    Raises:
        PolicyError: `unsafe-bind`.
    """
    try:
        loopback = settings.host == "localhost" or ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise PolicyError(
            "unsafe-bind",
            f"{settings.host} can be reached from other machines, and TLS is not configured",
            hint="Bind 127.0.0.1 or [::1].",
        )


async def _serve(settings: Settings) -> int:
    listener = _bind(settings)
    with contextlib.closing(listener):
        async with started(settings) as services:
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            base = f"http://{host}:{listener.getsockname()[1]}"
            app = create_app(
                services,
                hosts=["127.0.0.1", "localhost", "[::1]"],
                content_security_policy=console.CONTENT_SECURITY_POLICY,
                pages=console.routes(),
            )
            config = uvicorn.Config(
                app,
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
                lifespan="off",
            )
            server = _Server(config)
            ready = _prepare(settings, services, base)
            return await _run(server, listener, settings, ready, services)


class _Server(uvicorn.Server):
    """A server whose signals are ours, and that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


async def _run(
    server: _Server,
    listener: socket.socket,
    settings: Settings,
    ready: Ready,
    services: Services,
) -> int:
    # What start-up made lives for ever; the collector of garbage need not look at it again.
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)  # noqa: FBT003
    serving = loop.create_task(server.serve([listener]))
    await server.listening.wait()
    Disk().replace(settings.ready_file, msgspec.json.encode(ready))
    _greet(ready, settings)
    services.sequencer.on_gone(lambda: _stop_after(server))
    await serving
    settings.ready_file.unlink(missing_ok=True)
    return 0 if services.sequencer.alive else 1


def _stop_after(server: _Server) -> None:
    _log.critical("the sequencer's process has ended; stopping, so that nothing is lost")
    server.should_exit = True


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise PolicyError(
            "address-in-use",
            f"{settings.host}:{settings.port} cannot be bound: {error.strerror}",
            hint="Choose another port with --listen, or 0 for a free one.",
        ) from None
    return listener


@contextlib.asynccontextmanager
async def started(settings: Settings) -> AsyncGenerator[Services]:
    """Start every part in the order in which a record passes them; stop them in reverse."""
    folder = DataFolder(settings.data)
    keys = KeyStore(folder.keys)
    sequencer = await SequencerClient.start(
        settings.data, installation=settings.installation, seal_after_s=settings.seal_after_s
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(sequencer.stop)
        control = stack.enter_context(Control.open(settings.data / "control"))
        vault = Vault.open(settings.data / "vault", keys)
        stack.callback(vault.close)
        control.tenants.create(Tenant(tenant=settings.tenant))
        vault.keyring.provision(settings.tenant)
        collector = Collector(control, vault, sequencer)
        await collector.start()
        stack.push_async_callback(collector.stop)
        findings = Findings(control.engine)
        upkeep = Upkeep(collector.epochs, findings, vault, sequencer)
        await stack.enter_async_context(_beside(upkeep.run()))
        source = InstalledSource.over_client(folder, keys, sequencer, asyncio.get_running_loop())
        engine = stack.enter_context(Engine(source, folder.derived))
        await stack.enter_async_context(_beside(_refresh(engine)))
        yield Services(
            installation=_named(sequencer),
            control=control,
            collector=collector,
            own=OwnEvents(collector, control, vault.keyring),
            sequencer=sequencer,
            engine=engine,
            findings=findings,
            keyring=vault.keyring,
        )


def _named(sequencer: SequencerClient) -> Installation:
    return Installation(
        name=sequencer.ready.installation,
        public_key=sequencer.ready.public_key,
        root_stream=sequencer.ready.root_stream,
    )


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Run `work` until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _refresh(engine: Engine) -> None:
    """Read new segments as they are sealed, so that no search waits for it."""
    while True:
        try:
            await asyncio.to_thread(engine.refresh)
        except (Error, OSError, TimeoutError) as error:
            _log.warning("the catalogue was not refreshed: %s", error)
        await asyncio.sleep(REFRESH_S)


def _prepare(settings: Settings, services: Services, base: str) -> Ready:
    """Write the credential files and return what the ready file says."""
    run = settings.data / "run"
    key_file, token_file = run / "producer.json", run / "reader.token"
    disk = Disk()
    credential = _credential(services, settings.tenant, base, key_file)
    disk.replace(key_file, credential.encode())
    disk.replace(token_file, _reader_token(services.control, settings.tenant, token_file))
    disk.make_dirs(settings.ready_file.parent)
    enrol = ""
    if not services.control.accounts.any():
        code = services.control.accounts.open_enrolment(settings.tenant)
        # In the fragment: a browser sends it to nobody, so it is in no log.
        enrol = f"{base}/console/#/enrol?code={code}&key={services.installation.public_key}"
    return Ready(
        console_url=f"{base}/console/",
        api_url=base,
        ingest_url=f"{base}/v1/events",
        enrol_url=enrol,
        data_dir=str(settings.data),
        producer_key_file=str(key_file),
        reader_token_file=str(token_file),
    )


def _credential(services: Services, tenant: str, base: str, key_file: Path) -> ProducerCredential:
    """Return the local producer's credential, with the key it has if that still works."""
    producers = services.control.producers
    try:
        key = ProducerCredential.decode(key_file.read_bytes()).key
        producers.authenticate(key)
    except (OSError, Error):
        known = any(producer.producer == LOCAL_PRODUCER for producer in producers.list())
        if known:
            key = producers.replace_key(LOCAL_PRODUCER)
        else:
            _, key = producers.register(LOCAL_PRODUCER, tenant, ["*"])
    return credential_of(services.control, services.keyring, LOCAL_PRODUCER, key, base)


def _reader_token(control: Control, tenant: str, token_file: Path) -> bytes:
    try:
        secret = token_file.read_text(encoding="utf-8").strip()
        control.authenticate(secret)
    except (OSError, AccessError):
        _, secret = control.tokens.issue(tenant, READER_LABEL)
    return secret.encode() + b"\n"


def _greet(ready: Ready, settings: Settings) -> None:
    rows = [("Console", ready.console_url), ("Data", ready.data_dir)]
    if ready.enrol_url:
        rows.insert(1, ("Enrol (once)", ready.enrol_url))
    rows.append(("Producer key", ready.producer_key_file))
    ready_file = settings.ready_file
    rows.append(("Next", f"auditroll ingest --ready-file {ready_file} --format combined FILE"))
    sys.stdout.write("".join(f"{name:<13} {value}\n" for name, value in rows))
    sys.stdout.write("Ctrl-C stops it.\n")
    sys.stdout.flush()
