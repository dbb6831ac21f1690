package android.speech.tts;

import android.app.Activity;
import android.os.Bundle;
import java.util.HashMap;
import java.util.Locale;

public class TextToSpeech {
    public static TextToSpeech last;
    public String said = "";
    private String language = "";

    public interface OnInitListener {
        void onInit(int status);
    }

    public TextToSpeech(Activity context, OnInitListener listener) {
        last = this;
        new Thread(() -> listener.onInit(0)).start();
    }

    public TextToSpeech(Activity context, OnInitListener listener, String engine) {
        throw new IllegalArgumentException("the one with an engine");
    }

    public int setLanguage(Locale locale) {
        language = locale.getLanguage();
        return 0;
    }

    public int speak(String text, int mode, HashMap<String, String> parameters) {
        said += "old;";
        return 0;
    }

    public int speak(CharSequence text, int mode, Bundle parameters, String utterance) {
        said += language + " " + mode + " " + text + ";";
        return 0;
    }
}
