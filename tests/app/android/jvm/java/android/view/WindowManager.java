package android.view;

public interface WindowManager {
    Display getDefaultDisplay();

    class Display {
        public static int rotation = 0;

        public int getRotation() {
            return rotation;
        }
    }

    class System implements WindowManager {
        @Override
        public Display getDefaultDisplay() {
            return new Display();
        }
    }
}
