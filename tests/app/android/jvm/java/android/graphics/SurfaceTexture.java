package android.graphics;

public class SurfaceTexture {
    public final String made;

    public SurfaceTexture(int texture) {
        made = "texture " + texture;
    }

    public SurfaceTexture(int texture, boolean single) {
        made = "texture, single";
    }

    public SurfaceTexture(boolean single) {
        made = "single";
    }
}
