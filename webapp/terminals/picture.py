"""A terminal's screen as the wall draws it small: rows of text with colours, nothing to run.

The text comes from strangers, so what one picture may cost is bounded: its size, how much of the
output is read, and how long that may take. A flood is skipped but for its end.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyte
from typing_extensions import override

from webapp.terminals.modes import safe_cut, switches
from webapp.terminals.pen import carried

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Run = list[Any]
"""`[column, text, ink, ground]`: None is the terminal's own colour, 0 to 15 one of its palette, a
text a colour such as `#5f87ff`, or `ground` and `ink` where both are swapped."""

ROWS_MOST, COLUMNS_MOST = 60, 200
READ_BYTES = 8 * 1024  # of new output in one look; of more, the end
SLICE_BYTES = 128
LONGEST_S = 0.025  # of processor time, for one look at one terminal
FORGET_BYTES = 1024 * 1024  # then it is drawn anew, so that nothing in the parser grows for ever
CELL_CHARACTERS = 8  # a letter and its marks; a program may put any number of them on one
CELLS_SHARED = 512  # kinds of cells; of a screen's most are alike
SAVED_MOST = 16
_ALTERNATE = {47, 1047, 1049}
_REVERSED = 5
_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
_PALETTE: Mapping[str, int | None] = {
    "default": None,
    **{name: number for number, name in enumerate(_NAMES)},
    **{f"bright{name}": number + 8 for number, name in enumerate(_NAMES)},
    "bfightmagenta": 13,  # as pyte spells it
}
_FAULTS = (TypeError, ValueError, IndexError, KeyError, NameError)
"""What pyte raises at sequences that it doesn't know; it goes on with the next."""


class _Screen(pyte.Screen):
    """pyte's screen with an alternate one beside it, and without what costs much and shows little.

    Full-screen programs draw on the alternate screen, and what was there before comes back.
    """

    _main: Any = None

    @override
    def reset(self) -> None:
        self._main = None
        super().reset()

    @override
    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private") and _ALTERNATE & set(modes) and self._main is None:
            self._main = dict(self.buffer)
            self._clear()
        super().set_mode(*_shown(modes, kwargs), **kwargs)

    @override
    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private") and _ALTERNATE & set(modes) and self._main is not None:
            self._clear()
            self.buffer.update(self._main)
            self._main = None
        super().reset_mode(*_shown(modes, kwargs), **kwargs)

    @override
    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        if how in {2, 3} and self.cursor.attrs.bg == "default":
            self._clear()
        else:
            super().erase_in_display(how, *args, **kwargs)

    @override
    def alignment_display(self) -> None:
        """A test picture of letters E, which nobody misses."""

    @override
    def save_cursor(self) -> None:
        super().save_cursor()
        del self.savepoints[:-SAVED_MOST]

    def _clear(self) -> None:
        self.buffer.clear()
        self.dirty.update(range(self.lines))


def _shown(modes: tuple[int, ...], kwargs: Mapping[str, Any]) -> list[int]:
    """Modes but for a screen that is reversed as a whole: each cell would be made anew."""
    return [mode for mode in modes if not (kwargs.get("private") and mode == _REVERSED)]


def _unless_private(act: Callable[..., None]) -> Callable[..., None]:
    """Leaves out what pyte takes for another sequence, or can't take: too many numbers in it.

    vim, for one, asks `ESC [ ? 4 m`; and after a fault pyte forgets what follows.
    """

    def do(screen: _Screen, *args: int, private: bool = False) -> None:
        if not private:
            with suppress(*_FAULTS):
                act(screen, *args)

    return do


for _name in set(pyte.Stream.csi.values()) - {"set_mode", "reset_mode"}:
    setattr(_Screen, _name, _unless_private(getattr(_Screen, _name)))


class Picture:
    """One terminal's screen, kept up to date from what the pump tells.

    Attributes:
        epoch: of the ring that it follows; None before the first look.
        seq: how far it has read.
        turn: counts up with each look that changed something.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.seq: int | None = None
        self.turn = 0
        self._rows: dict[int, list[Run]] = {}
        self._changed: dict[int, int] = {}
        self._begin(24, 80)

    def _begin(self, rows: int, cols: int) -> None:
        self._screen = _Screen(cols, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._read_bytes = 0
        self._has_gap = False
        self._cells: dict[pyte.screens.Char, pyte.screens.Char] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._screen.lines, self._screen.columns

    def take(self, told: Mapping[str, Any]) -> None:
        """Reads what was printed since the last look.

        Args:
            told: as `terminals.client.Pump.glimpse` says it.
        """
        size = min(told["rows"], ROWS_MOST), min(told["cols"], COLUMNS_MOST)
        output: bytes = told["output"]
        if told["epoch"] != self.epoch or self._read_bytes > FORGET_BYTES:
            self._begin(*size)
            self._screen.dirty.update(range(size[0]))
        self._screen.resize(*size)
        is_behind = self.seq is not None and told["seq"] > self.seq
        self._read(told["preamble"] + self._newest(output, is_behind=is_behind))
        self.epoch, self.seq = told["epoch"], told["seq"] + len(output)
        if self._has_gap and not output:  # the flood is over, and what it left can be read whole
            self.epoch = self.seq = None
            self._has_gap = False
        self._draw()

    def changed_since(self, turn: int) -> dict[int, list[Run]]:
        """The rows that changed after a turn, by their number."""
        return {row: self._rows[row] for row, at in self._changed.items() if at > turn}

    def _newest(self, output: bytes, *, is_behind: bool) -> bytes:
        if len(output) <= READ_BYTES:
            return output
        self._has_gap = self._has_gap or is_behind
        cut = safe_cut(output, len(output) - READ_BYTES)
        missed = output[:cut]
        return switches(missed) + carried(b"", missed, has_more=False) + output[cut:]

    def _read(self, output: bytes) -> None:
        self._read_bytes += len(output)
        until = time.thread_time() + LONGEST_S
        for at in range(0, len(output), SLICE_BYTES):
            if time.thread_time() > until:
                self._has_gap = True
                return
            try:
                self._stream.feed(output[at : at + SLICE_BYTES])
            except _FAULTS:
                continue

    def _draw(self) -> None:
        lines, _ = self.size
        dirty, self._screen.dirty = self._screen.dirty, set()
        gone = [row for row in self._rows if row >= lines]
        for row in gone:
            del self._rows[row], self._changed[row]
        drawn = {row: self._runs(row) for row in dirty if row < lines}
        changed = {row for row, runs in drawn.items() if runs != self._rows.get(row, [])}
        if changed or gone:
            self.turn += 1
        for row in changed:
            self._rows[row], self._changed[row] = drawn[row], self.turn

    def _shared(self, cell: pyte.screens.Char) -> pyte.screens.Char:
        """The cell, or one like it that is kept already: pyte makes each anew."""
        if len(self._cells) < CELLS_SHARED:
            return self._cells.setdefault(cell, cell)
        return self._cells.get(cell, cell)

    def _runs(self, row: int) -> list[Run]:
        """One row as runs of the same colours, without the blank end."""
        line = self._screen.buffer[row]
        runs: list[Run] = []
        end = 0  # the column after the last run; a gap or a wide letter begins another
        for column in sorted(at for at in line if at < self._screen.columns):
            cell = line[column]
            if len(cell.data) > CELL_CHARACTERS:
                cell = cell._replace(data=cell.data[:CELL_CHARACTERS])
            cell = line[column] = self._shared(cell)
            ink, ground = _colours(cell)
            if not cell.data or (cell.data == " " and ground is None):
                continue
            if runs and column == end and runs[-1][2:] == [ink, ground]:
                runs[-1][1] += cell.data
            elif runs and runs[-1][2:] == [ink, ground] and ground is None and 0 <= end < column:
                runs[-1][1] += " " * (column - end) + cell.data
            else:
                runs.append([column, cell.data, ink, ground])
            is_wide = column + 1 < self._screen.columns and not line[column + 1].data
            end = -1 if is_wide or len(cell.data) > 1 else column + 1
        return runs


def _colours(cell: pyte.screens.Char) -> tuple[int | str | None, int | str | None]:
    ink, ground = _colour(cell.fg), _colour(cell.bg)
    if cell.reverse:
        return "ground" if ground is None else ground, "ink" if ink is None else ink
    return ink, ground


def _colour(name: str) -> int | str | None:
    return _PALETTE.get(name, f"#{name}")
