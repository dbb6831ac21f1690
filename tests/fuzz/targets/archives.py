"""ZIP archives: their list of members, and what is in these."""

from __future__ import annotations

import io
import zipfile

from steeple.errors import InvalidArgumentError
from steeple.server.archives import Limits, SafeZip
from tests.fuzz.files import written

LIMITS = Limits(members=20, member_bytes=100_000, total_bytes=200_000, ratio=200, directory_bytes=4096)


def seeds() -> list[bytes]:
    """Stored, packed, in folders, of nothing; with names that lead elsewhere; one that unpacks to very much."""
    return [
        _zipped({"a.txt": b"one\ntwo\r\n", "folder/b.txt": b"three" * 50}, zipfile.ZIP_STORED),
        _zipped({"landmarks.jsonl": b'{"id":"tower"}\n' * 20, "folder/": b""}, zipfile.ZIP_DEFLATED),
        _zipped({}, zipfile.ZIP_STORED),
        _zipped({"../../etc/passwd": b"x", "/absolute": b"x", "c:\\d": b"x"}, zipfile.ZIP_STORED),
        _zipped({"zeros": bytes(99_000)}, zipfile.ZIP_DEFLATED),
        _zipped({"many": b"x", "of": b"y", "them": b"z"}, zipfile.ZIP_BZIP2),
    ]


def check(data: bytes) -> None:
    """It is refused, or each member has the size that is said and a name that leads nowhere else."""
    try:
        archive = SafeZip(written(data, ".zip"), LIMITS)
    except InvalidArgumentError:
        return
    with archive:
        assert sum(member.size_bytes for member in archive.members) <= LIMITS.total_bytes
        for member in archive.members:
            assert not set(member.name.split("/")) & {"", ".", ".."}
            assert "\\" not in member.name
            assert member.name.isprintable()
            try:
                content = archive.read(member.name)
            except InvalidArgumentError as error:
                assert error.metadata["member"] == member.name[:200]  # noqa: PT017 - the other outcome is as good
                continue
            assert len(content) == member.size_bytes <= LIMITS.member_bytes
            lines = list(archive.lines(member.name, LIMITS.member_bytes))
            assert lines == [line.rstrip(b"\r\n") for line in io.BytesIO(content)]


def _zipped(members: dict[str, bytes], method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return content.getvalue()
