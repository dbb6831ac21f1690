"""The app's own widgets. Importing one of these modules imports Kivy."""
