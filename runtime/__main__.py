"""The processes of the privileged half: `up` (supervisor), `serve` (daemon), `as-web`.

`python -m runtime PROCESS --help` says what each takes. People type `./slipway`, whose nouns are in
`runtime/cli/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from runtime import as_web as web_noun
from runtime import greeting, settings, supervise
from runtime.problems import Problem


@click.group()
def main() -> None:
    """Be one of the processes of a server."""


def _data(value: Path | None) -> settings.Settings:
    return settings.load({"data": value})


data_option = click.option("--data", type=Path, help="The data folder.")


@main.command()
@data_option
@click.option("--host", help="The address to listen on.")
@click.option("--port", help="The port to listen on.")
@click.option("--config", type=Path, help="A settings file in place of /etc/slipway.toml.")
@click.option("--end-labs", is_flag=True, help="End every lab when the server stops.")
@click.option("--no-greeting", is_flag=True, help="Don't print where it is.")
def up(
    data: Path | None,
    host: str | None,
    port: str | None,
    config: Path | None,
    *,
    end_labs: bool,
    no_greeting: bool,
) -> None:
    """Start the whole server, and stay with it."""
    loaded = settings.load({"data": data, "host": host, "port": port}, config_path=config)
    supervise.up(loaded, config_path=config, end_labs=end_labs, greets=not no_greeting)


@main.command()
@data_option
@click.option("--until-idle", is_flag=True, help="End when nobody has called for two seconds.")
@click.option("--end-labs", is_flag=True, help="End every lab on the way out.")
def serve(data: Path | None, *, until_idle: bool, end_labs: bool) -> None:
    """Be the daemon that makes labs."""
    from runtime import daemon  # noqa: PLC0415 - the supervisor has no need of all that it loads

    daemon.serve(_data(data), until_idle=until_idle, end_labs=end_labs)


@main.command()
@data_option
@click.option("--host", help="The address that the server listens on.")
@click.option("--port", help="The port that it listens on.")
def greet(data: Path | None, host: str | None, port: str | None) -> None:
    """Wait until the server is ready, and say where it is."""
    greeting.greet(settings.load({"data": data, "host": host, "port": port}))


@main.command()
@data_option
@click.option("--listen", type=int, required=True, multiple=True, help="A listening descriptor.")
@click.option("--quota", type=int, required=True, help="What each lab may push, in bytes.")
@click.option("--mirror", type=int, required=True, help="What the mirror may keep, in bytes.")
def registry(data: Path | None, listen: tuple[int, ...], quota: int, mirror: int) -> None:
    """Be the workshop's registry; the daemon starts it."""
    from runtime import as_registry  # noqa: PLC0415 - the supervisor has no need of it

    as_registry.as_registry(_data(data), listen, quota, mirror)


# Help and all other options are the noun's; --data, wherever it stands, says which web that is.
@main.command(
    name="as-web", context_settings={"ignore_unknown_options": True}, add_help_option=False
)
@data_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def as_web(data: Path | None, words: tuple[str, ...]) -> None:
    """Run one of the web's own nouns, confined as the web is."""
    web_noun.as_web(_data(data), words)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        click.echo(f"{problem.sentence} {problem.hint}".strip(), err=True)
        sys.exit(1)
