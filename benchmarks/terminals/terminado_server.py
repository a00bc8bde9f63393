"""terminado as its own documentation serves it: a terminal for each connection."""

from __future__ import annotations

import asyncio
import sys

from terminado.management import UniqueTermManager
from terminado.websocket import TermSocket
from tornado.web import Application


async def main(port: int) -> None:
    """Serve until the process is ended."""
    manager = UniqueTermManager(shell_command=["sh"])
    application = Application([("/websocket", TermSocket, {"term_manager": manager})])
    application.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
