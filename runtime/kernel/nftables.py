"""libnftables by its own names; takes nft's language, answers with its JSON.

The `nft` program costs a fork and 3 to 9 ms a call, this 0.1 ms. The library is loaded when the
first handle is made, so that a machine without it still gets doctor's row.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import json
from typing import Any

NFT_CTX_DEFAULT = 0
NFT_CTX_OUTPUT_JSON = 1 << 4

_LIBRARY = "libnftables.so.1"


class Nftables:
    """One libnftables context. Not thread-safe: use it from one thread only.

    The library keeps a netlink socket in the namespace of the thread that makes the context, and
    may open more while it runs: make and use it inside the same `NetworkNamespace`.

    Raises:
        OSError: the library isn't installed, or netfilter can't be reached.
    """

    def __init__(self) -> None:
        self._library = _load()
        self._context = ctypes.c_void_p(self._library.nft_ctx_new(NFT_CTX_DEFAULT))
        if self._context.value is None:
            raise OSError(errno.EPROTONOSUPPORT, "nft_ctx_new: netfilter can't be reached")
        self._library.nft_ctx_output_set_flags(self._context, NFT_CTX_OUTPUT_JSON)
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def run(self, commands: str) -> list[dict[str, Any]]:
        """Run commands as one transaction: all of them, or none.

        Args:
            commands: in the language of nft(8), a command a line.

        Returns:
            What `list` commands found, as libnftables-json(5) has it, its meta line left out.

        Raises:
            OSError: the kernel or the parser refused; the text is nft's own.
        """
        failed = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
        output = self._library.nft_ctx_get_output_buffer(self._context)
        errors = self._library.nft_ctx_get_error_buffer(self._context)
        if failed:
            raise OSError(errno.EINVAL, f"nft: {errors.decode().strip()}")
        try:
            listed = json.loads(output)["nftables"] if output.strip() else []
        except ValueError as error:
            raise OSError(errno.EBADMSG, f"nft: {commands}: {error}") from error
        return [entry for entry in listed if "metainfo" not in entry]

    def close(self) -> None:
        """Free the context and its socket; call it once."""
        self._library.nft_ctx_free(self._context)


@functools.cache
def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    library.nft_ctx_new.restype = ctypes.c_void_p
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).restype = ctypes.c_char_p
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.nft_ctx_free.argtypes = [ctypes.c_void_p]
    library.nft_ctx_free.restype = None
    return library
