"""The catalogue does what a dict would do, whatever is asked of it in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from steeple.delf.features import FeatureSet
from steeple.errors import AbortedError, AlreadyExistsError, FailedPreconditionError, NotFoundError
from steeple.server.catalogue import Catalogue, ChangeKind, ImageDraft, Landmark, LandmarkDraft, LatLng, Page
from tests.engines.catalogues import Catalogues

MakeFeatures = Callable[..., FeatureSet]

# Few, so that calls meet what earlier calls have left.
IDS = st.sampled_from(["a", "a-b"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = TEXTS.map(lambda text: "Tower " + text)
LOCATIONS = st.none() | st.builds(LatLng, st.floats(-90, 90), st.floats(-180, 180))
METADATA = st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=3)
DRAFTS = st.builds(LandmarkDraft, NAMES, TEXTS, LOCATIONS, METADATA)


@dataclass
class Expected:
    fields: dict[str, Any]
    etag: str
    images: dict[str, tuple[int, int]] = field(default_factory=dict)  # id -> key, features


class CatalogueMachine(RuleBasedStateMachine):
    def __init__(self, make_features: MakeFeatures, catalogues: Catalogues) -> None:
        super().__init__()
        self.make_features = make_features
        self.catalogues = catalogues
        self.url = catalogues.make()
        self.model: dict[str, Expected] = {}
        self.gallery = set[int]()
        self.keys_given = set[int]()
        self.sequence = 0

    @initialize()
    def open(self) -> None:
        self.catalogue = Catalogue.open(self.url)

    def teardown(self) -> None:
        self.catalogue.close()
        self.catalogues.drop(self.url)

    @rule()
    def reopen(self) -> None:
        self.catalogue.close()
        self.open()

    @rule(landmark_id=IDS | st.just(""), draft=DRAFTS)
    def create_landmark(self, landmark_id: str, draft: LandmarkDraft) -> None:
        if landmark_id in self.model:
            with pytest.raises(AlreadyExistsError):
                self.catalogue.create_landmark(draft, landmark_id=landmark_id)
            return
        landmark = self.catalogue.create_landmark(draft, landmark_id=landmark_id)
        assert landmark.id == landmark_id or (not landmark_id and landmark.id not in self.model)
        self.model[landmark.id] = Expected(dict(vars(draft)), landmark.etag)

    @rule(
        landmark_id=IDS,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "display_name": NAMES,
                "description": TEXTS,
                "location": LOCATIONS,
                "metadata": METADATA,
            },
        ),
        stale=st.booleans(),
    )
    def update_landmark(self, landmark_id: str, changes: dict[str, Any], stale: bool) -> None:
        expected = self.model.get(landmark_id)
        if expected is None:
            with pytest.raises(NotFoundError):
                self.catalogue.update_landmark(landmark_id, **changes)
            return
        landmark = self.catalogue.update_landmark(landmark_id, **changes, etag=expected.etag)
        assert landmark.etag != expected.etag
        if stale:
            with pytest.raises(AbortedError):
                self.catalogue.update_landmark(landmark_id, description="lost", etag=expected.etag)
        expected.fields |= changes
        expected.etag = landmark.etag

    @rule(landmark_id=IDS, force=st.booleans())
    def delete_landmark(self, landmark_id: str, force: bool) -> None:
        expected = self.model.get(landmark_id)
        if expected is None:
            with pytest.raises(NotFoundError):
                self.catalogue.delete_landmark(landmark_id, force=force)
        elif expected.images and not force:
            with pytest.raises(FailedPreconditionError):
                self.catalogue.delete_landmark(landmark_id)
        else:
            self.catalogue.delete_landmark(landmark_id, force=force)
            del self.model[landmark_id]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), image_id=IDS | st.just(""), count=st.integers(1, 5))
    def create_image_of_a_landmark(self, data: st.DataObject, image_id: str, count: int) -> None:
        self.create_image(data.draw(st.sampled_from(sorted(self.model))), image_id, count)

    @rule(landmark_id=IDS, image_id=IDS | st.just(""), count=st.integers(1, 5))
    def create_image(self, landmark_id: str, image_id: str, count: int) -> None:
        expected, draft = self.model.get(landmark_id), ImageDraft(self.make_features(count, count=count))
        if expected is None:
            with pytest.raises(NotFoundError):
                self.catalogue.create_image(landmark_id, draft, image_id=image_id)
        elif image_id in expected.images:
            with pytest.raises(AlreadyExistsError):
                self.catalogue.create_image(landmark_id, draft, image_id=image_id)
        else:
            image = self.catalogue.create_image(landmark_id, draft, image_id=image_id)
            assert image.key not in self.keys_given
            self.keys_given.add(image.key)
            expected.images[image.id] = (image.key, count)

    @precondition(lambda self: any(expected.images for expected in self.model.values()))
    @rule(data=st.data(), replace=st.booleans())
    def delete_image(self, data: st.DataObject, replace: bool) -> None:
        there = [(landmark_id, one) for landmark_id, of in sorted(self.model.items()) for one in sorted(of.images)]
        landmark_id, image_id = data.draw(st.sampled_from(there))
        self.catalogue.delete_image(landmark_id, image_id)
        del self.model[landmark_id].images[image_id]
        if replace:
            self.create_image(landmark_id, image_id, 2)

    @rule(landmark_id=IDS, image_id=IDS)
    def look_for_an_image(self, landmark_id: str, image_id: str) -> None:
        expected = self.model.get(landmark_id)
        if expected is None or image_id not in expected.images:
            for call in (self.catalogue.get_image, self.catalogue.delete_image):
                with pytest.raises(NotFoundError):
                    call(landmark_id, image_id)
        else:
            assert self.catalogue.get_image(landmark_id, image_id).key == expected.images[image_id][0]

    @rule(size=st.integers(1, 3))
    def lists_hold_what_the_dict_holds(self, size: int) -> None:
        found = list(self.landmarks(size))
        assert [landmark.id for landmark in found] == sorted(self.model)
        for landmark in found:
            expected = self.model[landmark.id]
            assert {name: getattr(landmark, name) for name in expected.fields} == expected.fields
            assert landmark.etag == expected.etag
            assert landmark.reference_image_count == len(expected.images)
            images = self.catalogue.list_images(landmark.id, page_size=1000).items
            assert {image.id: (image.key, image.feature_count) for image in images} == expected.images

    @invariant()
    def the_history_leads_to_the_gallery(self) -> None:
        if not hasattr(self, "catalogue"):
            return
        for change in self.catalogue.changes_since(self.sequence):
            self.sequence = change.sequence
            (self.gallery.add if change.kind is ChangeKind.ADD else self.gallery.remove)(change.image_key)
        images = dict(image for expected in self.model.values() for image in expected.images.values())
        assert self.gallery == set(images)
        assert self.catalogue.image_count() == len(images)
        assert self.catalogue.descriptor_count("delf-lite2-v1") == sum(images.values())
        assert {key: len(found) for key, found in self.catalogue.features(self.keys_given).items()} == images

    def landmarks(self, size: int) -> Iterator[Landmark]:
        page: Page[Landmark] = self.catalogue.list_landmarks(size)
        yield from page.items
        while page.next_page_token:
            page = self.catalogue.list_landmarks(size, page.next_page_token)
            assert page.total_size == len(self.model)
            yield from page.items


def test_the_catalogue_against_a_dict(make_features: MakeFeatures, catalogues: Catalogues) -> None:
    run_state_machine_as_test(
        lambda: CatalogueMachine(make_features, catalogues),  # type: ignore[arg-type]  # takes any maker of machines
        settings=settings(
            max_examples=int(15 * catalogues.share_of_examples),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
