"""The window of the app, in Kivy.

Kivy opens its window and reads its settings from the environment when it is imported, so nothing here imports it before
:func:`steeple.app.ui.start.prepare` is called. What decides is in :mod:`steeple.app.ui.presenters`, which know of no
window; widgets show what they say, and KV files lay it out.
"""
