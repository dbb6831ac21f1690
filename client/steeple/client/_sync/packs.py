# Made from _async/packs.py by tools/generate_sync_client.py; do not edit.
"""Calls of the PackService."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from steeple.client._convert_operations import to_operation
from steeple.client._convert_packs import pack_name, settings_message, to_pack
from steeple.client._local_files import PartialFile
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client._sync.receiving import Progress, TakePart, receive_file
from steeple.client.operations import Operation
from steeple.client.packs import Pack
from steeple.client.resources import LatLng
from steeple.errors import FailedPreconditionError
from steeple.v1 import pack_service_pb2 as api


class PackCalls:
    """The part of the client that makes offline packs, and fetches them.

    Packs are given by id, by name (``packs/{id}``) or as what another call returned.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_pack(
        self,
        pack_id: str,
        *,
        display_name: str,
        near: LatLng | None = None,
        radius_meters: float = 0.0,
        metadata: Mapping[str, str] | None = None,
        labels: Iterable[str] = (),
        max_images: int = 0,
        max_features: int = 0,
        exact_descriptors: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation:
        """Begins to make a pack and to publish it, in the place of the one of that id if there is one.

        :meth:`wait_operation` waits for it; its ``results["pack"]`` is the name.

        Args:
            pack_id: 1 to 63 lower-case letters, digits and hyphens.
            display_name: What people call it.
            near: Only landmarks within ``radius_meters`` of it; those that have no location are left out.
            radius_meters: Goes with ``near``.
            metadata: Only landmarks that have all of these entries.
            labels: Only landmarks that have all of these.
            max_images: Reference images of a landmark, at most 100; 0: 3.
            max_features: Features of an image, at most 4,096; 0: 1000.
            exact_descriptors: Whether the int8 descriptors are in it beside their codes: 40 bytes more a feature.
            request_id: A UUID by which the server knows a repeat; empty: a new one.
            timeout: Seconds for all attempts to begin it; None: the client's.

        Raises:
            InvalidArgumentError: If an argument is out of its limits.
            FailedPreconditionError: If no landmark would be in it.
        """
        settings = settings_message(
            display_name=display_name,
            near=near,
            radius_meters=radius_meters,
            metadata=metadata,
            labels=labels,
            max_images=max_images,
            max_features=max_features,
            exact_descriptors=exact_descriptors,
        )
        request = api.CreatePackRequest(pack_id=pack_id, settings=settings, request_id=request_id_or_new(request_id))
        response = self._connection.call(self._connection.link.packs.CreatePack, request, timeout=timeout)
        return to_operation(response.operation)

    def refresh_pack(self, pack: str | Pack, *, request_id: str = "", timeout: float | None = None) -> Operation:
        """Begins to make a pack anew of the catalogue as it is, as it was made before.

        Raises:
            NotFoundError: If there is none.
            FailedPreconditionError: If no landmark would be in it.
        """
        request = api.RefreshPackRequest(name=pack_name(pack), request_id=request_id_or_new(request_id))
        response = self._connection.call(self._connection.link.packs.RefreshPack, request, timeout=timeout)
        return to_operation(response.operation)

    def export_pack(
        self,
        pack_id: str,
        *,
        display_name: str,
        near: LatLng | None = None,
        radius_meters: float = 0.0,
        metadata: Mapping[str, str] | None = None,
        labels: Iterable[str] = (),
        max_images: int = 0,
        max_features: int = 0,
        exact_descriptors: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation:
        """Begins to make a pack that is not published; arguments and errors as of :meth:`create_pack`.

        Wait for it with :meth:`wait_operation`; the results name the file for :meth:`download_operation_file`.
        """
        settings = settings_message(
            display_name=display_name,
            near=near,
            radius_meters=radius_meters,
            metadata=metadata,
            labels=labels,
            max_images=max_images,
            max_features=max_features,
            exact_descriptors=exact_descriptors,
        )
        request = api.ExportPackRequest(pack_id=pack_id, settings=settings, request_id=request_id_or_new(request_id))
        response = self._connection.call(self._connection.link.packs.ExportPack, request, timeout=timeout)
        return to_operation(response.operation)

    def get_pack(self, pack: str | Pack, *, timeout: float | None = None) -> Pack:
        """A pack as it is now.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.GetPackRequest(name=pack_name(pack))
        response = self._connection.call(self._connection.link.packs.GetPack, request, timeout=timeout)
        return to_pack(response.pack)

    def list_packs(self, *, page_size: int = 50, timeout: float | None = None) -> Listing[Pack]:
        """Packs, by id.

        Args:
            page_size: Packs fetched at a time, as the iterator needs them.
            timeout: Seconds for each page; None: the client's.
        """
        request = api.ListPacksRequest(page_size=page_size)
        return self._connection.listing(
            self._connection.link.packs.ListPacks, request, lambda page: map(to_pack, page.packs), timeout=timeout
        )

    def download_pack(
        self, pack: str | Pack, target_path: str | os.PathLike[str], *, progress: Progress | None = None
    ) -> Pack:
        """Receives a pack's file; it appears at its place once it is whole and its hash is right.

        Until then it lies beside its place, and another call with the same arguments goes on with it.

        Args:
            pack: Which. As another call returned it: that very file, and no newer one.
            target_path: Where it is to be, over what is there.
            progress: Told bytes that are here, and bytes of the file, now and then.

        Returns:
            What was received.

        Raises:
            NotFoundError: If there is no such pack.
            FailedPreconditionError: If the pack was made anew meanwhile, or the file cannot be written.
            DataLossError: If the file is damaged, on the server or here.
            UnavailableError: If nothing has come through for ``long_timeout``.
        """
        found = pack if isinstance(pack, Pack) else self.get_pack(pack)

        def send_from(offset: int, take: TakePart) -> None:
            request = api.DownloadPackRequest(name=found.name, sha256=found.sha256, offset=offset)
            self._connection.receive(self._connection.link.packs.DownloadPack, request, take)

        received = PartialFile(target_path, f"{found.name}/{found.sha256}", found.size_bytes, found.sha256)
        try:
            receive_file(
                received,
                send_from,
                patience_seconds=self._connection.settings.long_timeout,
                progress=progress,
            )
        except FailedPreconditionError as error:
            if error.metadata.get("resource") == found.name:  # nobody can go on with it
                received.discard()
            raise
        return found

    def delete_pack(self, pack: str | Pack, *, timeout: float | None = None) -> None:
        """Deletes a pack from the server; who is downloading it still gets all of it, unless servers share their files.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.DeletePackRequest(name=pack_name(pack))
        self._connection.call(self._connection.link.packs.DeletePack, request, timeout=timeout)
