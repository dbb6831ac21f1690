package android.view;

public abstract class Window {
    public int flags;

    public void addFlags(int flags) {
        this.flags |= flags;
    }

    public void clearFlags(int flags) {
        this.flags &= ~flags;
    }

    public static class Shown extends Window {}
}
