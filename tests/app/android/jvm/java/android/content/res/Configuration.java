package android.content.res;

import java.util.Locale;

public final class Configuration {
    public int uiMode = 0x21;

    public LocaleList getLocales() {
        return new LocaleList();
    }

    public static final class LocaleList {
        public Locale get(int index) {
            return Locale.KOREA;
        }
    }
}
