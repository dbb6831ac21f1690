"""Which of a screen's widgets are there."""

from __future__ import annotations

from kivy.uix.widget import Widget


class Presence:
    """Takes widgets out of the trees of their screens, and puts each back where it was made."""

    def __init__(self) -> None:
        self._parents: dict[Widget, Widget] = {}  # ids are weak, and would lose what is in no tree
        self._children: dict[Widget, list[Widget]] = {}  # of a parent while it had all, the last one first

    def __call__(self, widget: Widget, wanted: bool) -> None:
        """Has a widget among those of its parent, or not; at first it is there, and all beside it."""
        widget = widget.__self__
        if widget not in self._parents:
            self._parents[widget] = widget.parent
            self._children.setdefault(widget.parent, list(widget.parent.children))
        parent = self._parents[widget]
        if wanted and widget.parent is None:
            among = self._children[parent]
            after = among[: among.index(widget)]
            parent.add_widget(widget, index=sum(1 for other in after if other.parent is not None))
        elif not wanted and widget.parent is not None:
            parent.remove_widget(widget)
