package android.security.keystore;

import java.io.InputStream;
import java.io.OutputStream;
import java.security.Key;
import java.security.KeyStore;
import java.security.KeyStoreSpi;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.spec.AlgorithmParameterSpec;
import java.util.Collections;
import java.util.Date;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.KeyGeneratorSpi;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** The provider of the name of Android's: keys by alias, made as the specification says. */
public final class StandIn extends Provider {
    public static final Map<String, SecretKey> KEYS = new HashMap<>();
    public static String specification = "";

    public StandIn() {
        super("AndroidKeyStore", "1", "a stand-in");
        put("KeyStore.AndroidKeyStore", Store.class.getName());
        put("KeyGenerator.AES", Generator.class.getName());
    }

    public static void install() {
        Security.addProvider(new StandIn());
    }

    public static final class Generator extends KeyGeneratorSpi {
        private KeyGenParameterSpec given;

        @Override
        protected void engineInit(SecureRandom random) {
            throw new UnsupportedOperationException("no specification");
        }

        @Override
        protected void engineInit(AlgorithmParameterSpec parameters, SecureRandom random) {
            given = (KeyGenParameterSpec) parameters;
        }

        @Override
        protected void engineInit(int size, SecureRandom random) {
            throw new UnsupportedOperationException("no specification");
        }

        @Override
        protected SecretKey engineGenerateKey() {
            byte[] bytes = new byte[given.size / 8];
            new SecureRandom().nextBytes(bytes);
            specification = given.text + " " + given.size;
            KEYS.put(given.alias, new SecretKeySpec(bytes, "AES"));
            return KEYS.get(given.alias);
        }
    }

    public static final class Store extends KeyStoreSpi {
        @Override
        public Key engineGetKey(String alias, char[] password) {
            return KEYS.get(alias);
        }

        @Override
        public boolean engineContainsAlias(String alias) {
            return KEYS.containsKey(alias);
        }

        @Override
        public void engineLoad(KeyStore.LoadStoreParameter parameter) {}

        @Override
        public void engineLoad(InputStream stream, char[] password) {}

        @Override
        public Certificate[] engineGetCertificateChain(String alias) {
            return null;
        }

        @Override
        public Certificate engineGetCertificate(String alias) {
            return null;
        }

        @Override
        public Date engineGetCreationDate(String alias) {
            return null;
        }

        @Override
        public void engineSetKeyEntry(String alias, Key key, char[] password, Certificate[] chain) {}

        @Override
        public void engineSetKeyEntry(String alias, byte[] key, Certificate[] chain) {}

        @Override
        public void engineSetCertificateEntry(String alias, Certificate certificate) {}

        @Override
        public void engineDeleteEntry(String alias) {}

        @Override
        public Enumeration<String> engineAliases() {
            return Collections.enumeration(KEYS.keySet());
        }

        @Override
        public int engineSize() {
            return KEYS.size();
        }

        @Override
        public boolean engineIsKeyEntry(String alias) {
            return true;
        }

        @Override
        public boolean engineIsCertificateEntry(String alias) {
            return false;
        }

        @Override
        public String engineGetCertificateAlias(Certificate certificate) {
            return null;
        }

        @Override
        public void engineStore(OutputStream stream, char[] password) {}
    }
}
