"""Object storage by fsspec, whatever is behind it, and what its errors are told as."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)
from steeple.server import doctor
from steeple.server.doctor.storage import storage as examined
from steeple.server.durable import errors_translated
from steeple.server.object_storage import ObjectStorage, check_url, is_url, open_storage
from steeple.server.storage_errors import code_of, without_credentials


@pytest.fixture(params=["memory", "file", pytest.param("s3", marks=pytest.mark.engines)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStorage:
    if request.param == "s3":
        return open_storage(f"{request.getfixturevalue('bucket_url')}/below")
    return open_storage({"memory": f"memory://{uuid4()}/below", "file": f"file://{tmp_path}/below"}[request.param])


def put(storage: ObjectStorage, path: str, data: bytes) -> None:
    storage.put(path, data, sha256=hashlib.sha256(data).hexdigest())


def test_files_come_and_go(storage: ObjectStorage, tmp_path: Path) -> None:
    storage.check()
    assert (storage.stat("a/b"), storage.get("a/b"), list(storage.list())) == (None, None, [])
    assert list(storage.folders("")) == []
    for path in ("c", "a/2", "a/1", "b/x/y"):
        put(storage, path, path.encode())
    put(storage, "a/1", b"new")
    assert storage.get("a/1") == b"new"
    found = storage.stat("a/1")
    assert found is not None
    assert (found.path, found.size) == ("a/1", 3)
    assert [(one.path, one.size) for one in storage.list()] == [("a/1", 3), ("a/2", 3), ("b/x/y", 5), ("c", 1)]
    assert [one.path for one in storage.list("a/")] == ["a/1", "a/2"]
    assert all(one.modify_time is not None for one in storage.list())
    assert sorted(set(storage.folders("")) - {".incoming"}) == ["a", "b"]
    assert list(storage.folders("b/")) == ["x"]
    storage.delete("c")
    storage.delete("c")
    storage.delete_all(["a/2", "b/x/y", "nothing"])
    assert [one.path for one in storage.list()] == ["a/1"]

    (tmp_path / "source").write_bytes(b"a file")
    storage.put_file("d/e", tmp_path / "source", sha256=hashlib.sha256(b"a file").hexdigest())
    assert storage.get_file("d/e", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"a file"
    assert not storage.get_file("d/nothing", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_doctor_leaves_nothing(storage: ObjectStorage) -> None:
    (finding,) = examined("images storage", "images_url", storage.url)
    assert (finding.status, list(storage.list())) == (doctor.Status.OK, [])


def test_doctor_says_what_cannot_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not you")

    url = f"memory://{uuid4()}"
    for method, step in (("pipe_file", "written"), ("cat_file", "read"), ("find", "listed"), ("rm_file", "deleted")):
        with monkeypatch.context() as forbidden:
            forbidden.setattr(f"fsspec.implementations.memory.MemoryFileSystem.{method}", refuse)
            (finding,) = examined("images storage", "images_url", url)
        assert finding.status is doctor.Status.FAILED
        assert f"{url} (images_url) cannot be {step}" in finding.found
        assert "docs/server/object-storage.md" in finding.remedy
    (finding,) = examined("images storage", "images_url", "nosuch://place")
    assert "cannot be opened" in finding.found


@pytest.mark.parametrize(
    ("place", "url"),
    [("/srv/images", False), ("images", False), ("file:///srv", False), ("s3://bucket", True), ("memory://x", True)],
)
def test_a_folder_is_no_url(place: str, url: bool) -> None:
    assert is_url(place) is url


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/x", "s3a://key@bucket", "gs://user:secret@bucket", "s3://b?x"])
def test_urls_that_have_more_than_a_place_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        open_storage(url)
    assert "secret" not in caught.value.message
    assert check_url("abfs://container@account.dfs.core.windows.net/x").startswith("abfs://")
    assert without_credentials("see http://a:b@host/x and s3://c@d") == "see http://***@host/x and s3://***@d"


def test_a_driver_that_is_missing_is_named() -> None:
    script = """
import sys
sys.modules["s3fs"] = None
from steeple.server.images import ImageStore
ImageStore("s3://bucket")
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "FailedPreconditionError" in run.stderr
    assert "pip install 'steeple[s3]'" in run.stderr


class Answered(Exception):  # noqa: N818 - as drivers have them
    """What S3 has answered."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.response = {
            "Error": {"Code": code, "Message": "at http://user:secret@host"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


def from_driver(name: str) -> Exception:
    """An error of a class of the driver's, which need not be installed."""
    kind = type(name, (Exception,), {"__module__": "botocore.exceptions"})
    error = kind("at http://user:secret@host")
    assert isinstance(error, Exception)
    return error


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (Answered("NoSuchBucket"), FailedPreconditionError, "bucket of the photos does not exist"),
        (Answered("AccessDenied"), FailedPreconditionError, "refuses access"),
        (Answered("403"), FailedPreconditionError, "refuses access"),
        (Answered("RequestTimeTooSkewed"), FailedPreconditionError, "clock"),
        (Answered("PermanentRedirect"), FailedPreconditionError, "AWS_DEFAULT_REGION"),
        (Answered("XMinioStorageFull"), ResourceExhaustedError, "is full"),
        (Answered("SlowDown"), UnavailableError, "try again"),
        (Answered("", 503), UnavailableError, "503"),
        (from_driver("NoCredentialsError"), FailedPreconditionError, "there are no credentials"),
        (from_driver("CredentialRetrievalError"), FailedPreconditionError, "there are no credentials"),
        (from_driver("ProfileNotFound"), FailedPreconditionError, "as it is configured"),
        (from_driver("EndpointConnectionError"), UnavailableError, "cannot be reached"),
        (from_driver("AnythingElse"), UnavailableError, "cannot be reached"),
    ],
)
def test_errors_of_drivers_say_what_to_do(error: Exception, kind: type[SteepleError], told: str) -> None:
    for raised in (error, caused_by(error)):
        with pytest.raises(kind, match=told) as caught, errors_translated("photos"):
            raise raised
        assert "secret" not in caught.value.message
        assert caught.value.__cause__ is None, "what the driver says in full is not logged"
    assert code_of(caused_by(Answered("NoSuchKey"))) == "NoSuchKey"


def caused_by(error: Exception) -> OSError:
    """An error of the file system, as drivers raise them."""
    raised = PermissionError("as the driver says it")
    raised.__cause__ = error
    return raised


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(NotFoundError), errors_translated("photos"):
        raise NotFoundError("x")
    with pytest.raises(KeyError), errors_translated("photos"):
        raise KeyError("x")
    with pytest.raises(FailedPreconditionError, match="the folder of the photos"), errors_translated("photos"):
        raise PermissionError(13, "Permission denied")
