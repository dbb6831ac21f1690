package android.view;

public abstract class Window {
    public int flags;

    public void addFlags(int flags) {
        this.flags |= flags;
    }

    public void clearFlags(int flags) {
        this.flags &= ~flags;
    }

    public View getDecorView() {
        return new View();
    }

    public static class Shown extends Window {}
}
