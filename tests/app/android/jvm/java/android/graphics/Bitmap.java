package android.graphics;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;

public final class Bitmap {
    private final byte[] content;

    Bitmap(byte[] content) {
        this.content = content;
    }

    public enum CompressFormat {
        JPEG,
        PNG
    }

    public boolean compress(CompressFormat format, int quality, OutputStream output) {
        try {
            output.write((format + " " + quality + " of " + content.length).getBytes());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return true;
    }
}
