"""Screens that explain: the walk-through, the connection check, and a missing permission."""

from __future__ import annotations

from typing import Any

from kivy.app import App
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.screenmanager import Screen

from steeple.app.device import Need, Permission
from steeple.app.trouble import ConnectionReport, Trouble
from steeple.app.ui.presenters import connection, welcome, words
from steeple.errors import InvalidArgumentError


class WelcomeScreen(Screen):
    """The walk-through."""

    step = NumericProperty(0)
    steps = NumericProperty(len(welcome.STEPS))
    icon = StringProperty("steeple")
    title = StringProperty("")
    detail = StringProperty("")
    button = StringProperty("")
    problem = StringProperty("")

    def on_pre_enter(self, *_: Any) -> None:
        """Begins."""
        self.step = 0
        self.ids.server.put(App.get_running_app().services.settings.server)
        self.show()

    def show(self) -> None:
        """Shows the step."""
        app, step = App.get_running_app(), welcome.STEPS[int(self.step)]
        self.icon, self.button = step.icon, app.tr(step.button)
        self.title, self.detail = app.tr(step.title), app.tr(step.detail)
        self.problem = ""
        app.present(self.ids.server, self.step == welcome.SERVER_STEP)

    def go_on(self) -> None:
        """Goes to the next step, or to the camera after the last."""
        app = App.get_running_app()
        if self.step == welcome.SERVER_STEP:
            try:
                app.services.data.settings.change(server=self.ids.server.text.strip())
            except InvalidArgumentError:
                self.problem = app.tr(words.TROUBLES[Trouble.BAD_ADDRESS])
                return
        if self.step + 1 < self.steps:
            self.step += 1
            self.show()
        else:
            self.finish()

    def finish(self) -> None:
        """Goes to the camera."""
        app = App.get_running_app()
        app.services.data.settings.change(welcomed=True)
        app.reconnect()
        app.go_home()


class StepRow(BoxLayout):
    """One thing that was looked at."""

    icon = StringProperty("check")
    kind = StringProperty("info")
    title = StringProperty("")
    detail = StringProperty("")


class ConnectionScreen(Screen):
    """The connection check."""

    icon = StringProperty("search")
    kind = StringProperty("info")
    verdict = StringProperty("")
    server = StringProperty("")
    busy = BooleanProperty(False)

    def on_pre_enter(self, *_: Any) -> None:
        """Looks at the way to the server."""
        self.check()

    def check(self) -> None:
        """Looks at the way to the server."""
        app = App.get_running_app()
        self.server = app.services.settings.server
        self.busy = True
        self._show(None)
        app.background.run(app.services.check, self._done, self._failed)

    def _done(self, report: ConnectionReport) -> None:
        self.busy = False
        self._show(report)
        if report.usable:
            App.get_running_app().retry()

    def _failed(self, error: Any) -> None:
        self.busy = False
        App.get_running_app().complain(error)

    def _show(self, report: ConnectionReport | None) -> None:
        model = connection.present(report, App.get_running_app().tr)
        self.icon, self.kind, self.verdict = model.icon, model.kind, model.verdict
        self.ids.steps.clear_widgets()
        for step in model.steps:
            row = StepRow(icon=step.icon, kind=step.kind, title=step.title, detail=step.detail)
            self.ids.steps.add_widget(row)


class PermissionScreen(Screen):
    """What is shown where the camera may not be used, or there is none."""

    title = StringProperty("")
    detail = StringProperty("")
    button = StringProperty("")

    def on_pre_enter(self, *_: Any) -> None:
        """Says what is missing, and what helps."""
        app = App.get_running_app()
        tr = app.tr
        if app.device.camera is None:
            self.title, self.button = tr("No camera"), tr("Look again")
            self.detail = tr("This device has none, or another app uses it. Photos from the gallery work all the same.")
        elif app.device.permission(Need.CAMERA) is Permission.BLOCKED:
            self.title, self.button = tr("The camera is not allowed"), tr("Open the system's settings")
            self.detail = tr("Allow it there, and come back. Until then, photos from the gallery work all the same.")
        else:
            self.title, self.button = tr("May Steeple use the camera?"), tr("Allow the camera")
            self.detail = tr("It is needed to look with you. Pictures stay on this device unless you share one.")

    def allow(self) -> None:
        """Asks for the camera, or leads to where it can be allowed."""
        app = App.get_running_app()
        if app.device.permission(Need.CAMERA) is Permission.BLOCKED:
            app.device.open_settings()
        app.device.ask(Need.CAMERA, lambda _: app.background.post(app.go_home))
