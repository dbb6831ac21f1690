package android.app;

import android.content.ContentResolver;
import android.content.Intent;
import android.content.res.Resources;
import android.view.Window;
import android.view.WindowManager;
import java.io.File;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class Activity {
    public final List<Intent> started = new ArrayList<>();
    public final Map<String, Object> services = new HashMap<>();
    public final Window window = new Window.Shown();
    public int request;
    public Intent intent = new Intent("android.intent.action.MAIN");
    protected final ExecutorService main = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "main");
        thread.setContextClassLoader(Activity.class.getClassLoader()); // as a phone's has the app's
        return thread;
    });

    public Activity() {
        services.put("batterymanager", new android.os.BatteryManager());
        services.put("power", new android.os.PowerManager());
        services.put("vibrator", new android.os.Vibrator.System());
        services.put("location", new android.location.LocationManager());
    }

    public File getFilesDir() {
        return new File(java.lang.System.getProperty("java.io.tmpdir"));
    }

    public String getPackageName() {
        return "org.steeple.steeple";
    }

    public Intent getIntent() {
        return intent;
    }

    public Object getSystemService(String name) {
        return services.get(name);
    }

    public final <T> T getSystemService(Class<T> kind) {
        return null;
    }

    public Resources getResources() {
        return new Resources();
    }

    public ContentResolver getContentResolver() {
        return new ContentResolver();
    }

    public WindowManager getWindowManager() {
        return new WindowManager.System();
    }

    public Window getWindow() {
        return window;
    }

    public boolean shouldShowRequestPermissionRationale(String name) {
        return false;
    }

    public boolean shouldShowRequestPermissionRationale(String name, int device) {
        return true;
    }

    public void startActivity(Intent intent) {
        if (String.valueOf(intent.getData()).startsWith("geo:")) {
            throw new RuntimeException("android.content.ActivityNotFoundException");
        }
        started.add(intent);
    }

    public void startActivity(Intent intent, android.os.Bundle options) {
        throw new RuntimeException("the other one");
    }

    public void startActivityForResult(Intent intent, int code) {
        request = code;
        started.add(intent);
    }

    public final void runOnUiThread(Runnable action) {
        main.submit(action);
    }
}
