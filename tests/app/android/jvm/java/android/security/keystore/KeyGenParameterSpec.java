package android.security.keystore;

import java.security.spec.AlgorithmParameterSpec;

public final class KeyGenParameterSpec implements AlgorithmParameterSpec {
    public String alias;
    public int size;
    public String text = "";

    public static final class Builder {
        private final KeyGenParameterSpec made = new KeyGenParameterSpec();

        public Builder(String alias, int purposes) {
            made.alias = alias;
            made.text += purposes;
        }

        public Builder setBlockModes(String... modes) {
            made.text += " " + String.join("+", modes);
            return this;
        }

        public Builder setEncryptionPaddings(String... paddings) {
            made.text += " " + String.join("+", paddings);
            return this;
        }

        public Builder setKeySize(int size) {
            made.size = size;
            return this;
        }

        public KeyGenParameterSpec build() {
            return made;
        }
    }
}
