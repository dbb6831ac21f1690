package android.graphics;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.concurrent.Callable;

public final class ImageDecoder {
    public static class Source {
        private final byte[] content;

        Source(byte[] content) {
            this.content = content;
        }
    }

    public static Source createSource(Callable<Object> callable) {
        throw new IllegalArgumentException("the one of a callable");
    }

    public static Source createSource(File file) {
        throw new IllegalArgumentException("the one of a file");
    }

    public static Source createSource(ByteBuffer buffer) {
        return new Source(buffer.array());
    }

    public static Bitmap decodeBitmap(Source source) {
        return new Bitmap(source.content);
    }

    public static Bitmap decodeBitmap(Source source, Runnable listener) {
        throw new IllegalArgumentException("the one with a listener");
    }
}
