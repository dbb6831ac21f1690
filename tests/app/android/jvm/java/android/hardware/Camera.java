package android.hardware;

import android.graphics.SurfaceTexture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

public class Camera {
    public static Camera last;
    public static boolean busy;
    public final Parameters parameters = new Parameters();
    public SurfaceTexture texture;
    public boolean shown;
    public boolean released;
    private PreviewCallback callback;

    public interface PreviewCallback {
        void onPreviewFrame(byte[] data, Camera camera);
    }

    public static class CameraInfo {
        public int facing;
        public int orientation;
        public boolean canDisableShutterSound;
    }

    public class Size {
        public int width;
        public int height;

        public Size(int width, int height) {
            this.width = width;
            this.height = height;
        }
    }

    public class Parameters {
        public String flash = "";
        public String focus = "";
        public int zoom;
        public int format;
        public int width;
        public int height;

        public List<Size> getSupportedPreviewSizes() {
            return new ArrayList<>(List.of(new Size(320, 240), new Size(1280, 720), new Size(1920, 1080)));
        }

        public List<String> getSupportedFocusModes() {
            return new ArrayList<>(List.of("auto", "continuous-picture"));
        }

        public List<String> getSupportedFlashModes() {
            return new ArrayList<>(List.of("off", "torch"));
        }

        public List<Integer> getZoomRatios() {
            return new ArrayList<>(List.of(100, 150, 400));
        }

        public boolean isZoomSupported() {
            return true;
        }

        public void setFlashMode(String mode) {
            flash = mode;
        }

        public void setFocusMode(String mode) {
            focus = mode;
        }

        public void setZoom(int value) {
            zoom = value;
        }

        public void setPreviewFormat(int value) {
            format = value;
        }

        public void setPreviewSize(int width, int height) {
            this.width = width;
            this.height = height;
        }
    }

    public static int getNumberOfCameras() {
        return 2;
    }

    public static void getCameraInfo(int number, CameraInfo info) {
        info.facing = number == 1 ? 0 : 1;
        info.orientation = 90;
    }

    public static Camera open(int number) {
        if (busy || number != 1) {
            throw new RuntimeException("Fail to connect to camera service");
        }
        last = new Camera();
        return last;
    }

    public static Camera open() {
        throw new RuntimeException("the other one");
    }

    public Parameters getParameters() {
        return parameters;
    }

    public void setParameters(Parameters given) {}

    public final void setPreviewTexture(SurfaceTexture texture) throws IOException {
        this.texture = texture;
    }

    public final void setPreviewCallback(PreviewCallback callback) {
        this.callback = callback;
    }

    public final void startPreview() {
        shown = true;
    }

    public final void stopPreview() {
        shown = false;
    }

    public final void release() {
        released = true;
    }

    /** Gives a frame as the system does, on a thread of its own. */
    public void see(byte[] data) throws InterruptedException {
        Thread thread = new Thread(() -> callback.onPreviewFrame(data, this));
        thread.start();
        thread.join();
    }
}
