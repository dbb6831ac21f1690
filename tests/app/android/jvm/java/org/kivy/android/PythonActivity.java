package org.kivy.android;

import android.app.Activity;
import android.content.Intent;
import java.util.ArrayList;
import java.util.List;

public class PythonActivity extends Activity {
    public static PythonActivity mActivity = new PythonActivity();
    public final List<NewIntentListener> newIntents = new ArrayList<>();
    public final List<ActivityResultListener> results = new ArrayList<>();
    private PermissionsCallback permissions;
    private String granted = "";
    private String[] requested;
    private int code;

    public interface NewIntentListener {
        void onNewIntent(Intent intent);
    }

    public interface ActivityResultListener {
        void onActivityResult(int request, int result, Intent data);
    }

    public interface PermissionsCallback {
        void onRequestPermissionsResult(int request, String[] names, int[] grants);
    }

    public void registerNewIntentListener(NewIntentListener listener) {
        newIntents.add(listener);
    }

    public void registerActivityResultListener(ActivityResultListener listener) {
        results.add(listener);
    }

    public void addPermissionsCallback(PermissionsCallback callback) {
        permissions = callback;
    }

    public boolean checkCurrentPermission(String name) {
        return granted.contains(name);
    }

    public void requestPermissionsWithRequestCode(String[] names, int code) {
        requested = names;
        this.code = code;
    }

    public boolean asks() {
        return requested != null;
    }

    /** Grants what was asked for, but for a place that is exact. */
    public void grant() {
        int[] grants = new int[requested.length];
        for (int i = 0; i < grants.length; i++) {
            grants[i] = requested[i].endsWith("FINE_LOCATION") ? -1 : 0;
            granted += grants[i] == 0 ? requested[i] + ";" : "";
        }
        String[] names = requested;
        requested = null;
        main.submit(() -> permissions.onRequestPermissionsResult(code, names, grants));
    }

    /** Waits until the system's thread has done what it was given. */
    public void settle() throws Exception {
        main.submit(() -> {}).get();
    }

    /** Gives an intent as the system does, on its own thread. */
    public void give(Intent intent) {
        main.submit(() -> newIntents.forEach(listener -> listener.onNewIntent(intent)));
    }

    /** Gives a result as the system does. */
    public void answer(int code, int result, Intent intent) {
        main.submit(() -> results.forEach(listener -> listener.onActivityResult(code, result, intent)));
    }
}
