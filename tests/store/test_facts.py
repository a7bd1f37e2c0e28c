"""Facts are read once for all pages of a layer, and forgotten with it."""

import gc
from typing import Any
from weakref import ref

from lamella.store.facts import LayerFacts, once


def facts() -> LayerFacts:
    nothing: Any = None
    return LayerFacts(nothing, nothing, nothing, {}, nothing)


def test_work_on_a_layer_is_done_once_and_forgotten_with_its_facts() -> None:
    seen: list[LayerFacts] = []

    class Result:
        pass

    @once
    def worked(given: LayerFacts) -> Result:
        """What is worked out."""
        seen.append(given)
        return Result()

    own, other = facts(), facts()
    assert worked(own) is worked(own) and len(seen) == 1
    assert worked(other) is not worked(own) and len(seen) == 2
    assert worked.__doc__ == "What is worked out."
    kept = ref(worked(own))
    seen.clear()
    del own
    gc.collect()
    assert kept() is None
