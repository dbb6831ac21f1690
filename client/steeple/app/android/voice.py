"""The phone's voice."""

from __future__ import annotations

from typing import Final

from steeple.app.android.bridge import Bridge, Java

_SUCCESS: Final = 0
_FLUSH: Final = 0  # TextToSpeech.QUEUE_FLUSH: instead of what is being said
_AVAILABLE: Final = 0  # and above; below: no such language
_UTTERANCE: Final = "steeple"


class Voice:
    """Says texts. All on the thread for Java but what it calls back; made when it is first needed."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._engine: Java = None
        self._listener: Java = None
        self._ready = False
        self._waiting: tuple[str, str] | None = None

    def speak(self, text: str, language: str) -> None:
        """Says a text instead of what is being said; while the engine starts, the last one waits."""
        if self._ready:
            self._say(text, language)
            return
        self._waiting = (text, language)
        if self._engine is None:
            self._listener = self._bridge.implement(
                "android.speech.tts.TextToSpeech$OnInitListener",
                {("onInit", "(I)V"): lambda status: self._bridge.post(lambda: self._started(int(status)))},
            )
            kind = self._bridge.java("android.speech.tts.TextToSpeech")
            self._engine = kind(self._bridge.activity, self._listener)

    def _started(self, status: int) -> None:
        waiting, self._waiting = self._waiting, None
        self._ready = status == _SUCCESS
        if self._ready and waiting is not None:
            self._say(*waiting)

    def _say(self, text: str, language: str) -> None:
        if self._engine.setLanguage(self._bridge.java("java.util.Locale")(language)) >= _AVAILABLE:
            # pyjnius gives a str to methods that take a String, and there is one of another kind among these.
            words = self._bridge.cast("java.lang.CharSequence", self._bridge.java("java.lang.String")(text))
            self._engine.speak(words, _FLUSH, None, _UTTERANCE)
