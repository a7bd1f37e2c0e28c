"""Keep freed memory instead of handing it back to the system after every tensor.

Flow: **allocator** -> model, which calls it once, before the network runs. glibc returns large
blocks at once and takes them back a moment later, each time as pages that fault on first touch: a
fifth of the time of an ascent on a processor. Elsewhere, and on other libraries, nothing happens.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the parameters' numbers in glibc's malloc.h


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds for giving memory back; False where that is not possible."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    return bool(tell(_MMAP_THRESHOLD, 32 << 20)) and bool(tell(_TRIM_THRESHOLD, 1 << 30))
