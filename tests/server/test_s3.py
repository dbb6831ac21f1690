"""S3 as a place for files: few requests, none that hangs, errors that say what to do, and no secret in anything."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from steeple.cli.main import main
from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    SteepleError,
    UnavailableError,
)
from steeple.server import logs
from steeple.server.durable import errors_translated
from steeple.server.engine import Engine
from steeple.server.images import ImageStore, photo_path
from steeple.server.object_storage import ObjectStorage, Patience, open_storage
from steeple.server.settings import Settings
from tests.engines.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore

pytestmark = pytest.mark.engines

PHOTO = b"\xff\xd8 a photo \x00" * 1000
DIGEST = hashlib.sha256(PHOTO).hexdigest()
HASTY = Patience(connect_seconds=0.5, read_seconds=0.5, attempts=2, total_seconds=2.0)
TOKEN = "a-token-that-no-log-may-have"  # noqa: S105 - of no account


@pytest.fixture
def own_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """An S3 server of this test alone, which it may stop."""
    store = ObjectStore()
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    store.start()
    try:
        yield store
    finally:
        store.stop()


def counted(storage: ObjectStorage | None) -> Counter[str]:
    """Counts requests by method from now on."""
    counts: Counter[str] = Counter()
    assert storage is not None
    storage.check()  # so that there is a connection

    def count(request: Any, **_: object) -> None:
        counts[request.method] += 1

    storage._files.s3.meta.events.register("before-send.s3", count)
    return counts


def test_no_request_is_made_that_need_not_be(bucket_url: str) -> None:
    store = ImageStore(bucket_url)
    counts = counted(store.storage)

    def asks(call: Callable[[], object]) -> dict[str, int]:
        counts.clear()
        call()
        return dict(counts)

    assert asks(lambda: store.put(PHOTO)) == {"HEAD": 1, "PUT": 1}
    assert asks(lambda: store.put(PHOTO)) == {"HEAD": 1}
    assert asks(lambda: store.get(DIGEST)) == {"GET": 1}
    assert asks(lambda: store.exists(DIGEST)) == {"HEAD": 1}
    assert asks(lambda: store.exists("0" * 64)) == {"HEAD": 1}
    assert asks(lambda: list(store.digests())) == {"GET": 1}
    assert asks(lambda: store.delete(DIGEST)) == {"DELETE": 1}


def test_what_another_replica_does_is_seen_at_once(bucket_url: str) -> None:
    one, other = ImageStore(bucket_url), ImageStore(bucket_url)
    assert (one.exists(DIGEST), list(one.digests())) == (False, [])
    other.put(PHOTO)
    assert (one.exists(DIGEST), list(one.digests()), one.get(DIGEST)) == (True, [DIGEST], PHOTO)
    other.delete(DIGEST)
    assert (one.exists(DIGEST), list(one.digests())) == (False, [])


@pytest.mark.parametrize("damaged", [b"", PHOTO[:-1], b"x" + PHOTO[1:]])
def test_a_damaged_photo_is_told_and_can_be_stored_again(bucket_url: str, damaged: bytes) -> None:
    store, storage = ImageStore(bucket_url), open_storage(bucket_url)
    storage.put(photo_path(DIGEST), damaged, sha256=hashlib.sha256(damaged).hexdigest())
    with pytest.raises(DataLossError, match=f"photo {DIGEST} in the image store is damaged"):
        store.get(DIGEST)
    store.put(PHOTO)
    assert store.get(DIGEST) == PHOTO


def test_lists_are_read_by_the_page_and_many_are_deleted_at_once(
    bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steeple.server.s3._AT_ONCE", 50)
    storage = open_storage(f"{bucket_url}/prefix")
    names = [f"many/{number:04}" for number in range(53)]

    def store(name: str) -> None:
        storage.put(name, b"", sha256=hashlib.sha256(b"").hexdigest())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store, [*names, "others/1"]))
    counts = counted(storage)
    found = storage.list("many/")
    assert [next(found).path for _ in range(50)] == names[:50]
    assert counts["GET"] == 1, "a page is asked for when it is needed"
    assert [one.path for one in found] == names[50:]
    assert (counts["GET"], sorted(storage.folders(""))) == (2, ["many", "others"])
    storage.delete_all(names)
    assert counts["POST"] == 2
    assert [one.path for one in storage.list()] == ["others/1"]


def test_files_of_any_size(bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.server.s3._PART", 5 << 20)  # the least that S3 takes
    storage = open_storage(bucket_url)
    for size in (0, 1000, 12 << 20):
        content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        (tmp_path / "source").write_bytes(content)
        storage.put_file("file", tmp_path / "source", sha256=hashlib.sha256(content).hexdigest())
        assert storage.get_file("file", tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == content
    assert not storage.get_file("nothing", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_copy_is_made_by_the_server_which_says_what_it_copied(bucket_url: str) -> None:
    storage, other = open_storage(f"{bucket_url}/one"), open_storage(f"{bucket_url}/other")
    storage.put("photo", PHOTO, sha256=DIGEST)
    counts = counted(other)
    assert other.copy_from(storage, "photo", "copy") == DIGEST
    assert counts == {"PUT": 1}
    assert other.get("copy") == PHOTO
    with pytest.raises(FileNotFoundError):
        other.copy_from(storage, "nothing", "copy")
    assert other.copy_from(open_storage("memory://x"), "photo", "copy") is None


def test_a_server_that_hangs_is_given_up(own_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.server.s3._BYTES_PER_SECOND", 16 << 20)
    store = ImageStore(own_store.make_bucket("photos"), HASTY)
    store.put(PHOTO)
    large = bytes(8 << 20)  # more than the buffers of a connection take
    own_store.pause()
    try:
        calls = [lambda: store.get(DIGEST), lambda: store.exists(DIGEST), lambda: store.put(b"x"),
                 lambda: store.delete("0" * 64), lambda: list(store.digests())]  # fmt: skip
        assert store.storage is not None
        calls.append(lambda: translated(lambda: storage_put(store.storage, large)))
        began = time.monotonic()
        with ThreadPoolExecutor(len(calls)) as pool:
            for done in [pool.submit(call) for call in calls]:
                with pytest.raises(UnavailableError, match="the object storage of the photos"):
                    done.result(timeout=60)
        assert time.monotonic() - began < 30, "not for ever"
    finally:
        own_store.pause(False)
    assert store.get(DIGEST) == PHOTO, "and is used again when it answers"


def storage_put(storage: ObjectStorage | None, data: bytes) -> None:
    assert storage is not None
    storage.put("large", data, sha256=hashlib.sha256(data).hexdigest())


def translated(call: Callable[[], object]) -> None:
    with errors_translated("photos"):
        call()


def test_a_server_that_is_away_is_unavailable_and_comes_back(
    own_store: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    url = own_store.make_bucket("photos")
    store = ImageStore(url, HASTY)
    store.put(PHOTO)
    own_store.stop()
    for call in (lambda: store.get(DIGEST), lambda: store.put(b"new"), lambda: list(store.digests())):
        with pytest.raises(UnavailableError, match=r"cannot be reached .*; try again"):
            call()
    ImageStore(url, HASTY)  # photos are not all that a server has
    assert "the image store cannot be reached yet" in caplog.text
    own_store.start()
    own_store.make_bucket("photos")
    assert store.get(store.put(PHOTO)) == PHOTO


def test_more_threads_than_connections(bucket_url: str) -> None:
    store = ImageStore(bucket_url)
    photos = [bytes([number]) * 10_000 for number in range(100)]
    with ThreadPoolExecutor(100) as pool:
        digests = list(pool.map(store.put, photos))
        assert list(pool.map(store.get, digests)) == photos
    assert list(store.digests()) == sorted(digests)


def wrong_secret(monkeypatch: pytest.MonkeyPatch, _: ObjectStore) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")


def no_credentials(monkeypatch: pytest.MonkeyPatch, _: ObjectStore) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")


def half_credentials(monkeypatch: pytest.MonkeyPatch, _: ObjectStore) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (wrong_secret, "no-such-profile"),
        (no_credentials, "AWS_ACCESS_KEY_ID"),
        (half_credentials, "there are no credentials"),
    ],
)
def test_credentials_that_are_none_are_told(
    bucket_url: str, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, spoil: Any, told: str
) -> None:
    spoil(monkeypatch, object_store)
    with pytest.raises(FailedPreconditionError, match=told):
        ImageStore(bucket_url)


def test_credentials_that_the_server_does_not_know_are_refused(
    own_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = own_store.make_bucket("photos")
    store = ImageStore(url)
    store.put(PHOTO)
    address, headers = f"{own_store.endpoint}/moto-api/reset-auth", {"Content-Type": "application/octet-stream"}
    ask = urllib.request.Request(address, data=b"0", headers=headers, method="POST")  # noqa: S310
    urllib.request.urlopen(ask).close()  # noqa: S310 - from now on it asks for credentials that it knows
    told = []
    for call in (lambda: store.get(DIGEST), lambda: store.exists(DIGEST), lambda: store.put(b"x"),
                 lambda: list(store.digests()), lambda: store.delete(DIGEST), lambda: ImageStore(url)):  # fmt: skip
        with pytest.raises(FailedPreconditionError, match=r"refuses access .*check the credentials") as caught:
            call()
        logging.getLogger("steeple.test").error("it failed", exc_info=caught.value)
        told.append(caught.value.message)
    assert SECRET_KEY not in caplog.text + "".join(told)


def test_a_missing_bucket_is_told_and_is_no_missing_photo(bucket_url: str) -> None:
    store = ImageStore(bucket_url)
    with pytest.raises(FailedPreconditionError, match="the bucket of the photos does not exist"):
        ImageStore(f"{bucket_url}-missing")
    assert store.storage is not None
    for path in list(store.storage.list()):
        store.storage.delete(path.path)
    store.storage._files.call_s3("delete_bucket", Bucket=bucket_url.removeprefix("s3://"))
    for call in (lambda: store.get(DIGEST), lambda: store.put(PHOTO), lambda: list(store.digests())):
        with pytest.raises(FailedPreconditionError, match="the bucket of the photos does not exist"):
            call()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDenied", FailedPreconditionError),
        ("InvalidAccessKeyId", FailedPreconditionError),
        ("SignatureDoesNotMatch", FailedPreconditionError),
        ("ExpiredToken", FailedPreconditionError),
        ("PermanentRedirect", FailedPreconditionError),
        ("SlowDown", UnavailableError),
        ("InternalError", UnavailableError),
        ("ServiceUnavailable", UnavailableError),
        ("BadDigest", UnavailableError),
        ("RequestTimeout", UnavailableError),
    ],
)
def test_errors_of_s3_say_what_to_do(code: str, kind: type[SteepleError]) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - not installed everywhere
    from s3fs.errors import translate_boto_error  # noqa: PLC0415

    answer = {"Error": {"Code": code, "Message": "as S3 says it"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    with pytest.raises(kind, match=code), errors_translated("photos"):
        raise translate_boto_error(ClientError(answer, "GetObject"))


def test_no_secret_is_in_a_url(tmp_path: Path) -> None:
    for url in (f"s3://{ACCESS_KEY}:{SECRET_KEY}@bucket/p", f"gs://user:{SECRET_KEY}@bucket"):
        with pytest.raises(InvalidArgumentError, match="has credentials in it") as caught:
            ImageStore(url)
        assert SECRET_KEY not in str(caught.value)
    with pytest.raises(InvalidArgumentError, match="must not be followed by a query"):
        ImageStore(f"s3://bucket?secret={SECRET_KEY}")
    with pytest.raises(InvalidArgumentError, match="names no bucket"):
        ImageStore("s3://")


def test_no_log_has_a_secret(
    own_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    def attempt(call: Callable[[], object]) -> None:
        try:
            call()
        except SteepleError as error:
            logging.getLogger("steeple.test").exception("it failed")
            told.append(f"{error!r} {error.metadata}")

    url = own_store.make_bucket("photos")
    store = ImageStore(url, HASTY)
    for call in (lambda: store.put(PHOTO), lambda: store.get(DIGEST), lambda: ImageStore(f"{url}-missing", HASTY)):
        attempt(call)
    own_store.stop()
    attempt(lambda: store.get(DIGEST))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{ACCESS_KEY}:{SECRET_KEY}@127.0.0.1:1")
    attempt(lambda: ImageStore(url, HASTY))
    assert len(told) == 3
    text = "\n".join([caplog.text, *told])
    assert "it failed" in text
    assert not [secret for secret in (SECRET_KEY, TOKEN) if secret in text]


def test_neither_doctor_nor_server_info_has_a_secret(
    bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("STEEPLE_DATA_DIR", str(tmp_path / "data"))
    places = {"STEEPLE_IMAGES_URL": f"{bucket_url}/images", "STEEPLE_SNAPSHOTS_DIR": f"{bucket_url}/snapshots"}
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    logs.configure("json", "DEBUG")
    engine = Engine(Settings.load())
    info = repr(engine.server_info())
    engine.close()

    def checks() -> dict[str, str]:
        capfd.readouterr()
        main(["doctor", "--json"])
        out = capfd.readouterr()
        texts.extend(out)
        found = json.loads(out.out)["checks"]
        return {one["check"]: one["status"] for one in found if "storage" in one["check"]}

    texts = [info, capfd.readouterr().err]
    assert "the engine is ready" in texts[1]
    assert checks() == {"images storage": "ok", "snapshots storage": "ok"}
    assert list(open_storage(bucket_url).list()) == [], "and nothing is left"
    monkeypatch.setenv("STEEPLE_SNAPSHOTS_DIR", "s3://no-such-bucket-anywhere/snapshots")
    assert checks() == {"images storage": "ok", "snapshots storage": "failed"}
    assert "the bucket of the snapshots storage does not exist" in texts[-2]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert checks() == {"images storage": "failed", "snapshots storage": "failed"}
    monkeypatch.setenv("STEEPLE_IMAGES_URL", f"s3://{ACCESS_KEY}:{SECRET_KEY}@bucket")
    assert main(["doctor", "--json"]) != 0
    texts.extend(capfd.readouterr())
    assert "has credentials in it" in "".join(texts)
    assert not [secret for secret in (SECRET_KEY, TOKEN) if secret in "".join(texts)]
