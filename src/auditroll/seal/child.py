"""Child processes that end with their parent, whatever ends it."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from typing import Final

__all__ = ["SOCKET_OCTETS", "die_with_parent", "receive", "spawn"]

# Fewer wake-ups for a batch of a few megabytes.
SOCKET_OCTETS: Final = 4 * 2**20
_PR_SET_PDEATHSIG: Final = 1


def spawn(module: str, *arguments: str) -> "tuple[subprocess.Popen[bytes], socket.socket]":
    """Start a module of ours and return it with our end of a socket to it.

    The module's arguments are the socket's number, our process id, and `arguments`. The kernel
    ends the child with the *thread* that calls this.
    """
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, SOCKET_OCTETS)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    number = theirs.fileno()
    with theirs:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", module, str(number), str(os.getpid()), *arguments],
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
        )
    return process, ours


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when the thread that started it ends.

    Args:
        parent: The parent's process id.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It was gone before the kernel was asked.
        os._exit(1)
    # Ctrl-C goes to the whole foreground group; the parent decides when its children end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def receive(channel: socket.socket, length: int) -> bytes:
    """Return exactly `length` octets.

    One system call for all of them: a thread that waits for the interpreter after every piece
    would wait long beside a busy one.

    Raises:
        EOFError: The other side closed.
    """
    pieces: list[bytes] = []
    while length:
        octets = channel.recv(length, socket.MSG_WAITALL)
        if not octets:
            raise EOFError
        pieces.append(octets)
        length -= len(octets)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
