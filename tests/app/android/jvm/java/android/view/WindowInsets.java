package android.view;

import android.graphics.Insets;

public final class WindowInsets {
    public Insets getInsets(int types) {
        boolean bars = (types & Type.systemBars()) != 0;
        boolean cutout = (types & Type.displayCutout()) != 0;
        return new Insets(cutout ? 7 : 0, bars ? 60 : 0, 0, bars ? 40 : 0);
    }

    public static final class Type {
        public static int systemBars() {
            return 7;
        }

        public static int displayCutout() {
            return 128;
        }
    }
}
