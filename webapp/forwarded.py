"""What a proxy in front says of a request, believed where it comes from a proxy of ours.

`X-Forwarded-…` is a header like any other: whoever reaches the web's port itself could say by it
who they are and that they came by https.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.addresses import networks, own_form

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def behind_proxies(application: WSGIApplication, hops: int, addresses: str) -> WSGIApplication:
    """Puts the proxies that are set before an application; where none is, gives it as it is.

    Args:
        application: what stands behind.
        hops: how many proxies there are, one behind the other.
        addresses: where the last of them asks from; as `addresses.networks` reads it.
    """
    if not hops:
        return application
    fixed = ProxyFix(application, x_for=hops, x_proto=hops, x_host=hops)
    ours = networks(addresses)

    def told(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        address = own_form(environ.get("REMOTE_ADDR", ""))
        is_ours = address is not None and any(address in network for network in ours)
        return (fixed if is_ours else application)(environ, start_response)

    return told
