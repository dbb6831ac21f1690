"""FeatureSets over the wire: what comes back, to what precision, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from steeple.delf.features import DIMENSIONS, MAX_FEATURES, MAX_SIDE, FeatureSet
from steeple.delf.wire import pack, unpack
from steeple.errors import FeatureSetError
from steeple.v1 import features_pb2

SMALLEST_SCALE, LARGEST_SCALE = 2.0**-8, 2.0 ** (255 / 16 - 8)


@st.composite
def feature_sets(draw: st.DrawFn) -> FeatureSet:
    """Any set whose scales can be expressed."""
    count = draw(st.integers(0, 20))
    width, height = draw(st.integers(1, MAX_SIDE)), draw(st.integers(1, MAX_SIDE))
    fractions = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(0, 1, width=32)))
    limits = np.array([width, height]) - 0.5
    scores = draw(hnp.arrays(np.float32, count, elements=st.floats(0, float(np.finfo(np.float32).max), width=32)))
    return FeatureSet(
        model=draw(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)),
        width=width,
        height=height,
        descriptors=draw(hnp.arrays(np.int8, (count, DIMENSIONS))),
        keypoints=np.clip(fractions * [width, height] - 0.5, -0.5, limits).astype(np.float32),
        scales=draw(hnp.arrays(np.float32, count, elements=st.floats(SMALLEST_SCALE, 245.0, width=32))),
        scores=np.sort(scores)[::-1],
    )


@settings(max_examples=150)
@given(feature_sets())
def test_what_is_packed_comes_back(features: FeatureSet) -> None:
    message = features_pb2.FeatureSet.FromString(pack(features).SerializeToString())
    again = unpack(message)
    assert (again.model, again.width, again.height) == (features.model, features.width, features.height)
    np.testing.assert_array_equal(again.descriptors, features.descriptors)
    # Half a step of 1/65536 of the side, and the rounding of float32 at that size.
    sides = np.array([features.width, features.height])
    offsets = np.abs(again.keypoints.astype(np.float64) - features.keypoints)
    assert (offsets <= sides / 65536 * 0.5 + np.spacing(sides.astype(np.float32))).all()
    # Half a step of 1/16 octave.
    ratios = np.abs(np.log2(again.scales.astype(np.float64) / features.scales))
    assert (ratios <= 0.5 / 16 + 1e-6).all()
    # Half a step of 1/255 of the highest score.
    peak = float(features.scores.max(initial=0))
    errors = np.abs(again.scores.astype(np.float64) - features.scores)
    assert (errors <= peak * (0.5 / 255 + 1e-6) + np.finfo(np.float32).smallest_subnormal).all()
    if len(features):
        assert again.scores[0] == features.scores[0]


@given(feature_sets())
def test_what_came_over_the_wire_goes_over_it_unchanged(features: FeatureSet) -> None:
    message = pack(features)
    assert pack(unpack(message)) == message


@given(feature_sets())
def test_a_feature_costs_46_bytes(features: FeatureSet) -> None:
    message = pack(features)
    assert len(message.descriptors) + len(message.geometry) == 46 * len(features)
    assert message.ByteSize() <= 46 * len(features) + 64


def test_the_bytes_are_those_of_the_contract() -> None:
    message = features_pb2.FeatureSet(
        model="models/delf-lite2-v1",
        image_width=640,
        image_height=480,
        descriptors=bytes([127, 129, *[0] * 38]) + bytes(40),
        #          x = 0x0203 = 515       y = 0x8000    scale 2^(144/16-8) = 2  score
        geometry=bytes([0x03, 0x02, 0x00, 0x80, 144, 255]) + bytes([0xFF, 0xFF, 0x00, 0x00, 128, 51]),
        max_score=10.0,
    )
    features = unpack(message)
    assert features.descriptors[0, :3].tolist() == [127, -127, 0]
    np.testing.assert_allclose(
        features.keypoints,
        [
            [515.5 / 65536 * 640 - 0.5, 32768.5 / 65536 * 480 - 0.5],
            [65535.5 / 65536 * 640 - 0.5, 0.5 / 65536 * 480 - 0.5],
        ],
        rtol=1e-6,
    )
    assert features.scales.tolist() == [2.0, 1.0]
    assert features.scores.tolist() == [10.0, 2.0]
    assert pack(features) == message


def test_scales_beyond_the_range_are_clipped_to_it() -> None:
    features = FeatureSet(
        model="delf-lite2-v1",
        width=10,
        height=10,
        descriptors=np.zeros((2, DIMENSIONS), np.int8),
        keypoints=np.zeros((2, 2), np.float32),
        scales=np.array([1e-4, 1e4], np.float32),
        scores=np.zeros(2, np.float32),
    )
    np.testing.assert_allclose(unpack(pack(features)).scales, [SMALLEST_SCALE, LARGEST_SCALE], rtol=1e-6)


def test_no_features_are_a_set_too() -> None:
    message = features_pb2.FeatureSet(model="models/delf-lite2-v1", image_width=1, image_height=1)
    assert len(unpack(message)) == 0
    assert pack(unpack(message)) == message


def well_formed() -> features_pb2.FeatureSet:
    return features_pb2.FeatureSet(
        model="models/delf-lite2-v1",
        image_width=640,
        image_height=480,
        descriptors=bytes(3 * 40),
        geometry=bytes(3 * 6),
        max_score=1.0,
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"model": ""}, "model must read models/{model}, not ''"),
        ({"model": "models/"}, "model must read models/{model}, not 'models/'"),
        ({"model": "delf-lite2-v1"}, "model must read models/{model}, not 'delf-lite2-v1'"),
        ({"model": "models/a/b"}, "model must name the model release"),
        ({"image_width": 0}, "image size must be 1 to 65535 pixels a side, not 0x480"),
        ({"image_height": 0}, "not 640x0"),
        ({"image_width": 65536}, "not 65536x480"),
        ({"image_height": 2**32 - 1}, "not 640x4294967295"),
        ({"descriptors": bytes(119)}, "descriptors must be a multiple of 40 bytes, one int8 a component, not 119"),
        ({"descriptors": bytes(3 * 128)}, "not 384"),
        ({"descriptors": b""}, "geometry must be 6 bytes for each of the 0 descriptors, 0 in all, not 18"),
        ({"descriptors": bytes(160)}, "geometry must be 6 bytes for each of the 4 descriptors, 24 in all, not 18"),
        ({"geometry": b""}, "18 in all, not 0"),
        ({"geometry": bytes(17)}, "18 in all, not 17"),
        ({"geometry": bytes([0, 0, 0, 0, 0, 1] * 2 + [0, 0, 0, 0, 0, 2])}, "falling attention score; feature 2 is not"),
        ({"max_score": float("nan")}, "max_score must be a finite number of at least 0, not nan"),
        ({"max_score": float("inf")}, "not inf"),
        ({"max_score": -1.0}, "not -1.0"),
        (
            {"descriptors": bytes(40 * (MAX_FEATURES + 1)), "geometry": bytes(6 * (MAX_FEATURES + 1))},
            "at most 4096 features are taken, not 4097",
        ),
    ],
)
def test_malformed_messages_are_refused(change: dict[str, object], text: str) -> None:
    message = well_formed()
    assert len(unpack(message)) == 3
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(FeatureSetError) as refusal:
        unpack(message)
    assert text in str(refusal.value)


@settings(max_examples=150)
@given(
    st.builds(
        features_pb2.FeatureSet,
        model=st.sampled_from(["models/delf-lite2-v1", "", "models/", "x"]),
        image_width=st.integers(0, 2**32 - 1) | st.integers(1, 100),
        image_height=st.integers(0, 2**32 - 1) | st.integers(1, 100),
        descriptors=st.binary(max_size=3) | st.integers(0, 4).map(lambda count: bytes(40 * count)),
        geometry=st.binary(max_size=24),
        max_score=st.floats(width=32),
    )
)
def test_any_message_is_unpacked_or_refused(message: features_pb2.FeatureSet) -> None:
    try:
        features = unpack(message)
    except FeatureSetError:
        return
    assert len(features) * 40 == len(message.descriptors)
    assert np.isfinite(features.keypoints).all()
