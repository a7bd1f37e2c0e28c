"""The pages on the dissection: one on the whole network, one per concept.

Flow: stored -> **articles** -> pages. Plain text and figures, no HTML; imports no torch.
"""

from lamella.analyses.dissection.concept_page import concept_article
from lamella.analyses.dissection.stored import OVERVIEW, dissected
from lamella.analyses.dissection.tables import all_concepts, by_layer, chart, numbers
from lamella.analyses.dissection.text import method
from lamella.figures.article import MEASURES, Article, Part
from lamella.store.facts import Atlas


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """All pages on the dissection; none before all of it is known."""
    record, layers = dissected(atlas)
    if record is None or not layers:
        return ()
    trained = sum(each.counts(record, None)[0] for each in layers)
    units = sum(len(each.trained) for each in layers)
    lead = f"{trained:,} of {units:,} units detect a concept that people have a word for"
    if record.plain["baseline"]:
        theirs = sum(each.counts(record, None, random=True)[0] for each in layers)
        lead += f"; with random weights {theirs:,} do"
    parts = [Part("What was done", method(record, layers))]
    if any(record.allowed):
        parts += [
            Part("Detectors", (), (numbers(record, layers), chart(record, layers))),
            Part("By layer", (), (by_layer(atlas, record, layers),)),
            Part("By concept", (), (all_concepts(atlas, record, layers),)),
        ]
    else:
        few = f"No concept is shown by {record.plain['least']} images of each set."
        parts.append(Part("Too few images", (few,)))
    title, line = "Network dissection", "Units that detect a concept that people have a word for."
    overview = Article(OVERVIEW, title, f"{lead}.", tuple(parts), group=MEASURES, line=line)
    pages = (
        concept_article(atlas, record, layers, at)
        for at in range(len(record.concepts))
        if record.allowed[at]
    )
    return (overview, *pages)
