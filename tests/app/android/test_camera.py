"""The camera of a phone: frames upright and in RGB, torch, zoom, and who may not use it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.app.android.camera import AndroidCamera, upright
from steeple.app.android.permissions import CAMERA
from steeple.errors import PermissionDeniedError, UnavailableError
from tests.scenes import scene

from .standins import JavaError, JavaList, StandIns

PATIENCE = 20.0
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (4000, 3000))


class Parameters:
    """``Camera.Parameters``: what a phone with a light and zoom says."""

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain
        self.set: dict[str, Any] = {}

    def getSupportedPreviewSizes(self) -> JavaList:
        return JavaList([SimpleNamespace(width=width, height=height) for width, height in SIZES])

    def getSupportedFocusModes(self) -> JavaList:
        return JavaList(["fixed"] if self.plain else ["auto", "continuous-picture"])

    def getSupportedFlashModes(self) -> JavaList | None:
        return None if self.plain else JavaList(["off", "on", "torch"])

    def isZoomSupported(self) -> bool:
        return not self.plain

    def getZoomRatios(self) -> JavaList:
        assert not self.plain
        return JavaList([100, 150, 200, 400])

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("set"):
            raise AttributeError(name)

        def put(*values: Any) -> None:
            self.set[name] = values[0] if len(values) == 1 else values

        return put


class Hardware:
    """``android.hardware.Camera`` and what stands behind it."""

    def __init__(self, bridge: StandIns) -> None:
        self.bridge = bridge
        self.cameras = [(1, 270), (0, 90)]  # facing and orientation: the front one is the first
        self.plain = False
        self.busy = False
        self.opened: int | None = None
        self.shown = False
        self.callback: Any = None
        self.parameters = Parameters(plain=False)
        self.bridge.classes |= {
            "android.hardware.Camera": SimpleNamespace(
                getNumberOfCameras=lambda: len(self.cameras), getCameraInfo=self._info, open=self._open
            ),
            "android.hardware.Camera$CameraInfo": SimpleNamespace,
            "android.graphics.SurfaceTexture": lambda number: ("texture", number),
        }

    def _info(self, number: int, info: Any) -> None:
        info.facing, info.orientation = self.cameras[number]

    def _open(self, number: int) -> Hardware:
        assert self.opened is None, "opened twice"
        if self.busy:
            raise JavaError("java.lang.RuntimeException: Fail to connect to camera service")
        self.opened = number
        self.parameters = Parameters(plain=self.plain)
        return self

    def getParameters(self) -> Parameters:
        self.bridge.on_thread()
        return self.parameters

    def setParameters(self, parameters: Parameters) -> None:
        assert parameters is self.parameters

    def setPreviewTexture(self, texture: Any) -> None:
        assert texture[0] == "texture"

    def setPreviewCallback(self, callback: Any) -> None:
        self.callback = callback

    def startPreview(self) -> None:
        self.bridge.on_thread()
        self.shown = True

    def stopPreview(self) -> None:
        self.shown = False

    def release(self) -> None:
        self.bridge.on_thread()
        assert not self.shown
        self.opened = None

    def see(self, picture: NDArray[np.uint8]) -> None:
        """What the sensor sees, given as a phone does: on a thread of Android's."""
        callback = self.callback
        assert self.shown
        thread = threading.Thread(target=lambda: callback.onPreviewFrame(nv21(picture), self))
        thread.start()
        thread.join(PATIENCE)


class Frames:
    """Takes frames and waits for them."""

    def __init__(self) -> None:
        self.taken: list[tuple[NDArray[np.uint8], float]] = []
        self.came = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, frame: NDArray[np.uint8], moment: float) -> None:
        self.taken.append((frame, moment))
        self.came.release()
        assert self.gate.wait(PATIENCE)

    def next(self) -> NDArray[np.uint8]:
        assert self.came.acquire(timeout=PATIENCE)
        return self.taken[-1][0]


def nv21(picture: NDArray[np.uint8]) -> bytes:
    """An RGB picture, uint8[H, W, 3], as a camera gives it."""
    height, width = picture.shape[:2]
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    pixels = height * width
    u, v = planes[pixels : pixels * 5 // 4], planes[pixels * 5 // 4 :]
    return planes[:pixels].tobytes() + np.stack([v, u], axis=1).tobytes()


def soft(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Without edges, whose colours NV21 takes from a square of four pixels."""
    return np.asarray(cv2.GaussianBlur(scene(seed, width, height), (0, 0), 3), np.uint8)


@pytest.fixture
def hardware(bridge: StandIns) -> Hardware:
    bridge.granted.add(CAMERA)
    return Hardware(bridge)


@pytest.fixture
def camera(bridge: StandIns, hardware: Hardware) -> Iterator[AndroidCamera]:
    assert hardware.opened is None
    camera = AndroidCamera(bridge)
    yield camera
    camera.stop()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_frame_is_rgb_and_upright(turn: int) -> None:
    upright_picture = soft(1, 480, 320)
    lying = np.ascontiguousarray(np.rot90(upright_picture, turn // 90))  # counterclockwise, so turned back clockwise
    frame = upright(nv21(lying), lying.shape[1], lying.shape[0], turn)
    assert frame.shape == upright_picture.shape
    assert frame.dtype == np.uint8
    # The colours of neighbours are mixed; red for blue would be off by 60.
    assert float(np.abs(frame.astype(int) - upright_picture).mean()) < 4


@pytest.mark.parametrize(
    ("rotation", "shape"), [(0, (1280, 720)), (1, (720, 1280)), (2, (1280, 720)), (3, (720, 1280))]
)
def test_frames_follow_the_way_the_phone_is_held(
    bridge: StandIns, hardware: Hardware, camera: AndroidCamera, rotation: int, shape: tuple[int, int]
) -> None:
    frames = Frames()
    bridge.activity.rotation = rotation
    camera.start(frames)
    assert hardware.opened == 1, "the camera on the back"
    assert hardware.parameters.set["setPreviewSize"] == (1280, 720)
    assert hardware.parameters.set["setPreviewFormat"] == 17
    assert hardware.parameters.set["setFocusMode"] == "continuous-picture"
    picture = soft(2, 1280, 720)
    before = time.monotonic()
    hardware.see(picture)
    frame = frames.next()
    assert frame.shape[:2] == shape
    assert before <= frames.taken[0][1] <= time.monotonic()
    turned = np.rot90(picture, -((90 - 90 * rotation) % 360) // 90)
    assert float(np.abs(frame.astype(int) - turned).mean()) < 4


def test_the_front_camera_serves_where_there_is_no_other(
    bridge: StandIns, hardware: Hardware, camera: AndroidCamera
) -> None:
    hardware.cameras = [(1, 270)]
    bridge.activity.rotation = 1
    frames = Frames()
    camera.start(frames)
    picture = soft(3, 1280, 720)
    hardware.see(picture)
    assert float(np.abs(frames.next().astype(int) - picture).mean()) < 4  # 270 + 90 degrees are none


def test_the_newest_frame_wins(hardware: Hardware, camera: AndroidCamera) -> None:
    frames = Frames()
    frames.gate.clear()
    camera.start(frames)
    shades = [np.full((720, 1280, 3), value, np.uint8) for value in (10, 60, 120, 180, 240)]
    hardware.see(shades[0])
    frames.next()
    for shade in shades[1:]:
        hardware.see(shade)
    frames.gate.set()
    assert abs(int(frames.next()[0, 0, 0]) - 240) <= 2
    assert len(frames.taken) == 2


def test_no_frame_comes_after_it_was_stopped(hardware: Hardware, camera: AndroidCamera) -> None:
    frames = Frames()
    camera.start(frames)
    camera.start(frames)  # runs already
    callback = hardware.callback
    camera.stop()
    camera.stop()
    assert hardware.opened is None
    assert hardware.callback is None
    callback.onPreviewFrame(nv21(soft(1, 1280, 720)), hardware)  # one that was under way
    assert frames.taken == []
    camera.start(frames)
    hardware.see(soft(1, 1280, 720))
    assert frames.next().shape == (1280, 720, 3)


def test_a_frame_of_another_size_is_left_out(hardware: Hardware, camera: AndroidCamera) -> None:
    frames = Frames()
    camera.start(frames)
    hardware.see(soft(1, 640, 480))
    hardware.see(soft(1, 1280, 720))
    frames.next()
    assert len(frames.taken) == 1


def test_torch_and_zoom_are_as_they_were_left(bridge: StandIns, hardware: Hardware, camera: AndroidCamera) -> None:
    assert (camera.has_torch, camera.max_zoom) == (False, 1.0)
    camera.torch(True)
    camera.start(Frames())
    assert (camera.has_torch, camera.max_zoom) == (True, 4.0)
    assert hardware.parameters.set["setFlashMode"] == "torch"
    assert [camera.zoom(factor) for factor in (0.1, 1.6, 3.4, 99.0)] == [1.0, 1.5, 4.0, 4.0]
    assert camera.zoom(2.2) == 2.0
    bridge.settle()
    assert hardware.parameters.set["setZoom"] == 2
    camera.stop()
    camera.torch(False)
    camera.start(Frames())
    assert hardware.parameters.set["setFlashMode"] == "off"
    assert hardware.parameters.set["setZoom"] == 2


def test_a_camera_without_light_and_zoom(hardware: Hardware, camera: AndroidCamera) -> None:
    hardware.plain = True
    camera.torch(True)
    camera.start(Frames())
    assert (camera.has_torch, camera.max_zoom) == (False, 1.0)
    assert camera.zoom(3.0) == 1.0
    assert not {"setFlashMode", "setZoom", "setFocusMode"} & hardware.parameters.set.keys()


def test_who_has_not_granted_it_is_told(bridge: StandIns, hardware: Hardware, camera: AndroidCamera) -> None:
    bridge.granted.clear()
    with pytest.raises(PermissionDeniedError, match="system's settings"):
        camera.start(Frames())
    bridge.granted.add(CAMERA)
    camera.start(Frames())
    assert hardware.shown


def test_a_camera_that_another_app_has(hardware: Hardware, camera: AndroidCamera) -> None:
    hardware.busy = True
    with pytest.raises(UnavailableError, match="close other apps"):
        camera.start(Frames())
    hardware.busy = False
    camera.start(Frames())
    assert hardware.shown


def test_a_device_without_a_camera(hardware: Hardware, camera: AndroidCamera) -> None:
    hardware.cameras = []
    with pytest.raises(UnavailableError, match="no camera"):
        camera.start(Frames())
