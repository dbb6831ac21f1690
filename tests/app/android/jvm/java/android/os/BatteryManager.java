package android.os;

public class BatteryManager {
    public int getIntProperty(int id) {
        return id == 4 ? 55 : Integer.MIN_VALUE;
    }

    public long getLongProperty(int id) {
        return Long.MIN_VALUE;
    }

    public boolean isCharging() {
        return true;
    }
}
