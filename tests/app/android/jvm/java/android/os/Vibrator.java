package android.os;

public abstract class Vibrator {
    public String felt = "";

    public boolean hasVibrator() {
        return true;
    }

    public void vibrate(long milliseconds) {
        felt += "old;";
    }

    public void vibrate(long[] pattern, int repeat) {
        felt += "pattern;";
    }

    public void vibrate(VibrationEffect effect) {
        felt += effect + ";";
    }

    public static class System extends Vibrator {}
}
