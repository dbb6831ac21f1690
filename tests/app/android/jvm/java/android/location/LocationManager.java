package android.location;

import android.app.PendingIntent;
import android.os.Looper;
import java.util.List;
import java.util.concurrent.Executor;

public class LocationManager {
    public LocationListener listener;
    public String asked = "";

    public List<String> getAllProviders() {
        return List.of("passive", "network", "gps");
    }

    public Location getLastKnownLocation(String provider) {
        if (provider.equals("gps")) {
            throw new SecurityException("gps");
        }
        return new Location(51.5, -0.12);
    }

    public void requestLocationUpdates(String provider, long time, float distance, LocationListener listener) {
        throw new IllegalArgumentException("the one without a looper");
    }

    public void requestLocationUpdates(
            String provider, long time, float distance, LocationListener listener, Looper looper) {
        asked += provider + " " + time + " " + distance + ";";
        this.listener = listener;
    }

    public void requestLocationUpdates(
            String provider, long time, float distance, Executor executor, LocationListener listener) {
        throw new IllegalArgumentException("the one with an executor");
    }

    public void requestLocationUpdates(
            long time, float distance, Criteria criteria, LocationListener listener, Looper looper) {
        throw new IllegalArgumentException("the one with criteria");
    }

    public void requestLocationUpdates(
            long time, float distance, Criteria criteria, Executor executor, LocationListener listener) {
        throw new IllegalArgumentException("the one with criteria and an executor");
    }

    public void removeUpdates(PendingIntent intent) {
        throw new IllegalArgumentException("the one of an intent");
    }

    public void removeUpdates(LocationListener gone) {
        listener = gone.equals(listener) ? null : listener;
    }

    /** Tells several places at once as new versions do, all that a listener may be told, and waits. */
    public void move() throws InterruptedException {
        Thread thread = new Thread(() -> {
            listener.onLocationChanged(new Location(1, 2));
            listener.onLocationChanged(List.of(new Location(3, 4), new Location(5, 6)));
            listener.onProviderDisabled("gps");
            listener.onProviderEnabled("gps");
            listener.onStatusChanged("gps", 1, null);
            listener.onFlushComplete(1);
        });
        thread.start();
        thread.join();
    }
}
