"""Where this machine is told to get npm packages, read as npm itself reads it."""

import configparser
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

# npm's documented default (npm help config, "registry"), used only where nothing else is set.
DEFAULT_REGISTRY = "https://" + ".".join(("registry", "npmjs", "org")) + "/"

# Weakest first, as in `npm help npmrc`; Debian's npm reads /etc/npmrc.
_FILES = ("/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/npmrc", "~/.npmrc", ".npmrc")


@dataclass(frozen=True)
class Npmrc:
    """The few of npm's settings that fetching needs."""

    values: dict[str, str]

    def registry(self, package: str) -> str:
        """Give the registry's address for a package, with a slash at its end."""
        scope = package.split("/", 1)[0] if package.startswith("@") else ""
        found = self.values.get(f"{scope}:registry") if scope else None
        return (found or self.values.get("registry") or DEFAULT_REGISTRY).rstrip("/") + "/"

    def tls(self) -> ssl.SSLContext:
        """Trust what the system trusts, and the authorities that npm is told to trust."""
        context = ssl.create_default_context()
        extra = self.values.get("cafile") or os.environ.get("NODE_EXTRA_CA_CERTS")
        if extra and Path(extra).is_file():
            context.load_verify_locations(extra)
        return context


def read_npmrc(folder: Path) -> Npmrc:
    """Read npm's files, then its environment; the later wins.

    Args:
        folder: the checkout, for a `.npmrc` of its own.
    """
    values: dict[str, str] = {}
    for name in _FILES:
        values.update(_read_file(folder / Path(name).expanduser()))
    for name, value in os.environ.items():
        if name.lower().startswith("npm_config_"):
            values[name[len("npm_config_") :].lower()] = value
    return Npmrc(values)


def _read_file(path: Path) -> dict[str, str]:
    """Read one npmrc: `key = value` lines; `;` and `#` begin a remark."""
    # An ini file without sections; ":" can't part key and value, since scopes carry one.
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False, allow_no_value=True)
    try:
        parser.read_string("[npm]\n" + path.read_text())
    except (OSError, configparser.Error):
        return {}
    return {key: value.strip("\"'") for key, value in parser["npm"].items() if value}
