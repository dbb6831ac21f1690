"""The camera: frames as OpenCV takes them, upright.

It is ``android.hardware.Camera``, as of Kivy's own provider; docs/client/android.md says why it is not CameraX.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.app.android.bridge import Bridge, Java
from steeple.app.android.permissions import CAMERA
from steeple.app.device import OnFrame
from steeple.errors import PermissionDeniedError, UnavailableError

_BACK: Final = 0  # CameraInfo.CAMERA_FACING_BACK
_NV21: Final = 17  # ImageFormat.NV21
_NO_TEXTURE: Final = 10  # of a SurfaceTexture that nobody draws; a camera gives no frames without one
_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class AndroidCamera:
    """See :class:`steeple.app.device.Camera`. ``on_frame`` must not start or stop the camera itself.

    Args:
        bridge: To Android.
        size: Width and height of frames in pixels, as the sensor lies; the nearest that the camera has is taken.
    """

    def __init__(self, bridge: Bridge, size: tuple[int, int] = (1280, 720)) -> None:
        self._bridge = bridge
        self._wanted = size
        self._running: _Running | None = None
        self._lifecycle = threading.Lock()
        self._lit = False
        self._factor = 1.0
        self._ratios: tuple[float, ...] = (1.0,)
        self._has_torch = False

    @property
    def has_torch(self) -> bool:
        """See :class:`steeple.app.device.Camera`."""
        return self._has_torch

    @property
    def max_zoom(self) -> float:
        """See :class:`steeple.app.device.Camera`."""
        return self._ratios[-1]

    def start(self, on_frame: OnFrame) -> None:
        """See :class:`steeple.app.device.Camera`."""
        with self._lifecycle:
            if self._running is not None:
                return
            if not self._bridge.run(lambda: self._bridge.has_permission(CAMERA)):
                raise PermissionDeniedError("the app may not use the camera; allow it in the system's settings")
            running = _Running(self._bridge, on_frame)
            try:
                self._bridge.run(lambda: self._open(running))
            except self._bridge.error as error:
                self._close(running)
                raise UnavailableError(
                    f"the camera cannot be opened; close other apps that use it, or restart the phone ({error})"
                ) from error
            except UnavailableError:
                self._close(running)
                raise
            self._running = running

    def stop(self) -> None:
        """See :class:`steeple.app.device.Camera`."""
        with self._lifecycle:
            running, self._running = self._running, None
            if running is not None:
                self._close(running)

    def torch(self, on: bool) -> None:
        """See :class:`steeple.app.device.Camera`."""
        self._lit = on
        self._adjust()

    def zoom(self, factor: float) -> float:
        """See :class:`steeple.app.device.Camera`."""
        self._factor = min(self._ratios, key=lambda ratio: abs(ratio - factor))
        self._adjust()
        return self._factor

    def _adjust(self) -> None:
        running = self._running
        if running is not None:
            self._bridge.post(lambda: self._apply(running))

    def _apply(self, running: _Running) -> None:
        if running.camera is None:
            return
        parameters = running.camera.getParameters()
        if self._has_torch:
            parameters.setFlashMode("torch" if self._lit else "off")
        if len(self._ratios) > 1:
            parameters.setZoom(self._ratios.index(self._factor))
        running.camera.setParameters(parameters)

    def _open(self, running: _Running) -> None:
        kind = self._bridge.java("android.hardware.Camera")
        cameras = []
        for number in range(kind.getNumberOfCameras()):
            info = self._bridge.java("android.hardware.Camera$CameraInfo")()
            kind.getCameraInfo(number, info)
            cameras.append((info.facing, number, info.orientation))
        if not cameras:
            raise UnavailableError("this device has no camera; identify a photo from the gallery instead")
        facing, number, orientation = min(cameras)
        camera = running.camera = kind.open(number)
        parameters = camera.getParameters()
        width, height = self._nearest(_listed(parameters.getSupportedPreviewSizes()))
        parameters.setPreviewSize(width, height)
        parameters.setPreviewFormat(_NV21)
        focus = _listed(parameters.getSupportedFocusModes())
        if "continuous-picture" in focus:
            parameters.setFocusMode("continuous-picture")
        camera.setParameters(parameters)
        self._has_torch = "torch" in _listed(parameters.getSupportedFlashModes())
        if parameters.isZoomSupported():
            self._ratios = tuple(int(ratio) / 100 for ratio in _listed(parameters.getZoomRatios()))
        self._factor = min(self._ratios, key=lambda ratio: abs(ratio - self._factor))
        self._apply(running)
        running.begin((width, height), orientation, front=facing != _BACK)

    def _nearest(self, sizes: list[Java]) -> tuple[int, int]:
        width, height = self._wanted
        known = [(int(size.width), int(size.height)) for size in sizes]
        return min(known, key=lambda size: (abs(size[0] * size[1] - width * height), abs(size[0] - width)))

    def _close(self, running: _Running) -> None:
        running.end()
        self._bridge.run(running.release)


class _Running:
    """A camera from its start to its stop: what Java gives is converted on a thread of its own, the newest first."""

    def __init__(self, bridge: Bridge, on_frame: OnFrame) -> None:
        self.camera: Java = None
        self._bridge = bridge
        self._on_frame = on_frame
        self._size = (0, 0)
        self._orientation = 0
        self._front = False
        self._newest: tuple[bytes, float, int] | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._convert, name="camera", daemon=True)
        self._kept: list[Java] = []  # objects that Java calls, and that Python would throw away

    def begin(self, size: tuple[int, int], orientation: int, *, front: bool) -> None:
        """Lets frames come. On the thread for Java."""
        self._size, self._orientation, self._front = size, orientation, front
        texture = self._bridge.java("android.graphics.SurfaceTexture")(_NO_TEXTURE)
        arrived = self._bridge.implement(
            "android.hardware.Camera$PreviewCallback",
            {("onPreviewFrame", "([BLandroid/hardware/Camera;)V"): self._arrived},
        )
        self._kept = [texture, arrived]
        self.camera.setPreviewTexture(texture)
        self.camera.setPreviewCallback(arrived)
        self._thread.start()
        self.camera.startPreview()

    def end(self) -> None:
        """Lets no more frames through, and waits for the one that is being taken."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def release(self) -> None:
        """Lets go of the camera. On the thread for Java."""
        if self.camera is not None:
            self.camera.setPreviewCallback(None)
            self.camera.stopPreview()
            self.camera.release()
            self.camera = None

    def _arrived(self, data: Java, _camera: Java) -> None:
        # Called by Java on the thread of Android's windows, so no more than a copy is made.
        with self._changed:
            if not self._ended:
                self._newest = (self._bridge.data(data), time.monotonic(), self._turn())
                self._changed.notify()

    def _turn(self) -> int:
        """Degrees clockwise by which a frame is turned to be upright as the phone is held."""
        held = 90 * int(self._bridge.activity.getWindowManager().getDefaultDisplay().getRotation())
        return (self._orientation + held if self._front else self._orientation - held) % 360

    def _convert(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._newest is not None)
                if self._ended or self._newest is None:
                    return
                (data, moment, turn), self._newest = self._newest, None
            width, height = self._size
            if len(data) == width * height * 3 // 2:
                self._on_frame(upright(data, width, height, turn), moment)


def upright(data: bytes, width: int, height: int, turn: int) -> NDArray[np.uint8]:
    """A frame as a camera gives it, in RGB.

    Args:
        data: NV21: the luma of each pixel, then V and U of each square of four.
        width: In pixels, even.
        height: In pixels, even.
        turn: Degrees by which it is turned clockwise: 0, 90, 180 or 270.

    Returns:
        uint8[H, W, 3], which is [width, height, 3] after a quarter turn.
    """
    planes = np.frombuffer(data, np.uint8).reshape(height * 3 // 2, width)
    frame = cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_NV21)
    if turn:
        frame = cv2.rotate(frame, _TURNS[turn])
    return np.asarray(frame, np.uint8)


def _listed(items: Java) -> list[Java]:
    return [] if items is None else [items.get(number) for number in range(items.size())]
