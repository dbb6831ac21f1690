package android.content;

import android.net.Uri;
import android.os.Parcelable;
import java.util.HashMap;
import java.util.Map;

public class Intent implements Parcelable {
    public final Map<String, Object> extras = new HashMap<>();
    private String action;
    private String type;
    private Uri data;

    public Intent() {}

    public Intent(Intent other) {
        action = other.action;
    }

    public Intent(String action) {
        this.action = action;
    }

    public Intent(String action, Uri data) {
        this.action = action;
        this.data = data;
    }

    public Intent(android.app.Activity context, Class<?> kind) {}

    public String getAction() {
        return action;
    }

    public Uri getData() {
        return data;
    }

    public Intent setData(Uri data) {
        this.data = data;
        return this;
    }

    public Intent setType(String type) {
        this.type = type;
        return this;
    }

    public String getType() {
        return type;
    }

    public Intent addCategory(String category) {
        return this;
    }

    public Intent putExtra(String name, boolean value) {
        return put(name, "boolean");
    }

    public Intent putExtra(String name, int value) {
        return put(name, "int");
    }

    public Intent putExtra(String name, byte[] value) {
        return put(name, "byte[]");
    }

    public Intent putExtra(String name, CharSequence value) {
        return put(name, value);
    }

    public Intent putExtra(String name, String value) {
        return put(name, value);
    }

    public Intent putExtra(String name, Parcelable value) {
        return put(name, value);
    }

    private Intent put(String name, Object value) {
        extras.put(name, value);
        return this;
    }

    @SuppressWarnings("unchecked")
    public <T extends Parcelable> T getParcelableExtra(String name) {
        return (T) extras.get(name);
    }

    public <T> T getParcelableExtra(String name, Class<T> kind) {
        return kind.cast(extras.get(name));
    }

    public void removeExtra(String name) {
        extras.remove(name);
    }

    public static Intent createChooser(Intent target, CharSequence title) {
        Intent chooser = new Intent("android.intent.action.CHOOSER");
        chooser.extras.put("intent", target);
        chooser.extras.put("title", title.toString());
        return chooser;
    }
}
