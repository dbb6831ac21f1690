package android.os;

public abstract class VibrationEffect {
    public static VibrationEffect createOneShot(long milliseconds, int amplitude) {
        return new OneShot(milliseconds, amplitude);
    }

    private static class OneShot extends VibrationEffect {
        private final String text;

        OneShot(long milliseconds, int amplitude) {
            text = milliseconds + " ms at " + amplitude;
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
