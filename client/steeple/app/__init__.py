"""The app: point the camera at a landmark. What is not window is here; windows are in ``steeple.app.ui``."""
