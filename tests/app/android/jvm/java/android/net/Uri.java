package android.net;

public abstract class Uri implements android.os.Parcelable {
    public static Uri parse(String text) {
        return new StringUri(text);
    }

    private static class StringUri extends Uri {
        private final String text;

        StringUri(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
