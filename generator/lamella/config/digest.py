"""One digest for equal values, on every machine: keys in the store rest on it.

Flow: **digest** -> model, images, store, pipeline.
"""

import hashlib
import json


def digest_of(value: object) -> str:
    """SHA-256 of canonical JSON, in hex: equal values, equal digests, on every machine."""
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode()).hexdigest()
