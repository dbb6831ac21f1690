package android.os;

public class ParcelFileDescriptor implements Parcelable {
    private final int descriptor;

    public ParcelFileDescriptor(int descriptor) {
        this.descriptor = descriptor;
    }

    public int detachFd() {
        return descriptor;
    }
}
