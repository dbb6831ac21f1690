package android.content;

import android.net.Uri;
import android.os.ParcelFileDescriptor;
import java.io.FileNotFoundException;

public class ContentResolver {
    public static int descriptor = -1;

    public final ParcelFileDescriptor openFileDescriptor(Uri uri, String mode) throws FileNotFoundException {
        if (descriptor < 0) {
            throw new FileNotFoundException(uri.toString());
        }
        return new ParcelFileDescriptor(descriptor);
    }

    public final ParcelFileDescriptor openFileDescriptor(Uri uri, String mode, Object signal)
            throws FileNotFoundException {
        throw new FileNotFoundException("the other one");
    }
}
