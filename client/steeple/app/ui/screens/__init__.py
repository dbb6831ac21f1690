"""One screen a module. Importing one of these modules imports Kivy."""
