"""What one landmark with its reference images does, in a page: the truth that a history is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.history.operations import Operation, Outcome


@dataclass(frozen=True)
class Image:
    """A reference image; ``variant`` says which of its contents it has."""

    variant: int
    deleted: bool = False


@dataclass(frozen=True)
class State:
    """A landmark, or that there is none.

    Attributes:
        exists: Whether it does, be it deleted.
        display_name: What people call it.
        active: Whether searches may find it.
        deleted: Whether it can only be read by name and undeleted.
        etag: None if no answer has told it yet.
        images: By id, sorted.
    """

    exists: bool = False
    display_name: str = ""
    active: bool = True
    deleted: bool = False
    etag: str | None = None
    images: tuple[tuple[str, Image], ...] = ()

    def image(self, image_id: str) -> Image | None:
        return dict(self.images).get(image_id)

    def with_image(self, image_id: str, image: Image | None) -> State:
        others = [pair for pair in self.images if pair[0] != image_id]
        return replace(self, images=tuple(sorted([*others, *([] if image is None else [(image_id, image)])])))

    @property
    def listed(self) -> dict[str, int]:
        return {image_id: image.variant for image_id, image in self.images if not image.deleted}


Result = tuple[str, State, dict[str, Any]]
"""The status, the state afterwards, and what the answer says."""


class Model:
    """The landmark as the contract describes it.

    Args:
        retained: Whether what is deleted can be undeleted.
    """

    def __init__(self, *, retained: bool) -> None:
        self._retained = retained
        self._rules: dict[str, Callable[[State, Any], Iterator[Result]]] = {
            "CreateLandmark": self._create_landmark,
            "UpdateLandmark": self._update_landmark,
            "DeleteLandmark": self._delete_landmark,
            "UndeleteLandmark": self._undelete_landmark,
            "GetLandmark": self._get_landmark,
            "ListLandmarks": self._list_landmarks,
            "CreateReferenceImage": self._create_image,
            "DeleteReferenceImage": self._delete_image,
            "UndeleteReferenceImage": self._undelete_image,
            "BatchDeleteReferenceImages": self._delete_images,
            "GetReferenceImage": self._get_image,
            "ListReferenceImages": self._list_images,
            "Identify": self._identify,
        }

    def step(self, state: State, operation: Operation) -> Iterator[State]:
        """The states that the operation leads to, if it takes effect in ``state`` and was answered as recorded."""
        for status, after, answer in self._rules[operation.action](state, operation.arguments):
            if operation.outcome is Outcome.UNKNOWN:
                yield after
            elif status == operation.status and (status != "OK" or _agree(answer, operation.answer)):
                told = operation.answer.get("etag")
                yield replace(after, etag=told) if status == "OK" and told is not None else after

    def _landmark(self, state: State) -> dict[str, Any]:
        return {
            "display_name": state.display_name,
            "active": state.active,
            "deleted": state.deleted,
            "images": len(state.listed),
            "etag": state.etag,
        }

    def _create_landmark(self, state: State, arguments: Any) -> Iterator[Result]:
        if state.exists:
            yield "ALREADY_EXISTS", state, {}
            return
        after = State(exists=True, display_name=arguments["display_name"])
        yield "OK", after, self._landmark(after)

    def _matched(self, state: State, arguments: Any, after: State, answer: dict[str, Any]) -> Iterator[Result]:
        sent = arguments.get("etag")
        if sent and sent != state.etag:
            yield "ABORTED", state, {}
        if not sent or state.etag is None or sent == state.etag:
            yield "OK", after, answer

    def _update_landmark(self, state: State, arguments: Any) -> Iterator[Result]:
        if not state.exists:
            yield "NOT_FOUND", state, {}
        elif state.deleted:
            yield "FAILED_PRECONDITION", state, {}
        else:
            fields = {name: arguments[name] for name in ("display_name", "active") if name in arguments}
            after = replace(state, **fields, etag=None)
            yield from self._matched(state, arguments, after, self._landmark(after))

    def _delete_landmark(self, state: State, arguments: Any) -> Iterator[Result]:
        if not state.exists or state.deleted:
            yield "NOT_FOUND", state, {}
            return
        after = replace(state, deleted=True, etag=None) if self._retained else State()
        for status, reached, answer in self._matched(state, arguments, after, {}):
            if status == "OK" and state.listed and not arguments["force"]:
                yield "FAILED_PRECONDITION", state, {}
            else:
                yield status, reached, answer

    def _undelete_landmark(self, state: State, _arguments: Any) -> Iterator[Result]:
        if not state.exists:
            yield "NOT_FOUND", state, {}
        elif not state.deleted:
            yield "ALREADY_EXISTS", state, {}
        else:
            after = replace(state, deleted=False, etag=None)
            yield "OK", after, self._landmark(after)

    def _get_landmark(self, state: State, _arguments: Any) -> Iterator[Result]:
        yield ("OK", state, self._landmark(state)) if state.exists else ("NOT_FOUND", state, {})

    def _list_landmarks(self, state: State, _arguments: Any) -> Iterator[Result]:
        if state.exists and not state.deleted:
            yield "OK", state, {"listed": True, **self._landmark(state)}
        else:
            yield "OK", state, {"listed": False}

    def _create_image(self, state: State, arguments: Any) -> Iterator[Result]:
        if not state.exists:
            yield "NOT_FOUND", state, {}
        elif state.deleted:
            yield "FAILED_PRECONDITION", state, {}
        elif state.image(arguments["image"]) is not None:
            yield "ALREADY_EXISTS", state, {}
        else:
            image = Image(arguments["variant"])
            yield "OK", state.with_image(arguments["image"], image), {"variant": image.variant, "deleted": False}

    def _delete_image(self, state: State, arguments: Any) -> Iterator[Result]:
        image = state.image(arguments["image"])
        if image is None:
            yield "NOT_FOUND", state, {}
        elif state.deleted:
            yield "FAILED_PRECONDITION", state, {}
        elif image.deleted:
            yield "NOT_FOUND", state, {}
        else:
            kept = replace(image, deleted=True) if self._retained else None
            yield "OK", state.with_image(arguments["image"], kept), {}

    def _delete_images(self, state: State, arguments: Any) -> Iterator[Result]:
        after = state
        for image_id in arguments["images"]:
            ((status, after, _),) = self._delete_image(after, {"image": image_id})
            if status != "OK":
                yield status, state, {}
                return
        yield "OK", after, {}

    def _undelete_image(self, state: State, arguments: Any) -> Iterator[Result]:
        image = state.image(arguments["image"])
        if image is None:
            yield "NOT_FOUND", state, {}
        elif state.deleted:
            yield "FAILED_PRECONDITION", state, {}
        elif not image.deleted:
            yield "ALREADY_EXISTS", state, {}
        else:
            after = state.with_image(arguments["image"], replace(image, deleted=False))
            yield "OK", after, {"variant": image.variant, "deleted": False}

    def _get_image(self, state: State, arguments: Any) -> Iterator[Result]:
        image = state.image(arguments["image"])
        if image is None:
            yield "NOT_FOUND", state, {}
        else:
            yield "OK", state, {"variant": image.variant, "deleted": image.deleted}

    def _list_images(self, state: State, _arguments: Any) -> Iterator[Result]:
        yield ("OK", state, {"variants": state.listed}) if state.exists else ("NOT_FOUND", state, {})

    def _identify(self, state: State, arguments: Any) -> Iterator[Result]:
        image = state.image(arguments["image"])
        there = image is not None and image.variant == arguments["variant"] and not image.deleted
        yield "OK", state, {"found": there and state.exists and state.active and not state.deleted}


def _agree(expected: dict[str, Any], told: Any) -> bool:
    """Whether an answer says what was expected; an etag that nobody knew may be any."""
    return all((name == "etag" and value is None) or told.get(name) == value for name, value in expected.items())
