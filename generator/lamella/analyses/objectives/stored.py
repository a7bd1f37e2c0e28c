"""What was stored of the objectives page: its subject, its pictures, and what is said of each.

Flow: compute -> store -> **stored** -> view. Imports no torch. Numbers and pictures have an entry
per picture; all words are in one document.
"""

from typing import TypedDict

from lamella.store.facts import Atlas

PANEL = "objectives"
SLUG = "objectives"  # of the page
DOCUMENT = "demonstrations"  # beside the shards
PICTURE, PHOTOGRAPH = "plate", "photograph"  # names of stored pictures


class Record(TypedDict, total=False):
    """What is said of one demonstration; of one that could not be made, only why, and where.

    Attributes:
        captions, expressions: of each picture.
        description: of the objective.
        terms: what each term of the expressions means.
        facts: its settings, each under what it is a setting of.
        steps: of the ascent.
        problem: why it could not be made.
        first: the entry of its first picture.
        photographic: whether its pictures show a photograph.
    """

    captions: list[str]
    expressions: list[str]
    description: str
    terms: dict[str, str]
    facts: dict[str, str]
    steps: int
    problem: str
    first: int
    photographic: bool


class Notes(TypedDict):
    """The document.

    Attributes:
        subject: the words that the page's text leaves open.
        absent: by what is missing, the keys of the demonstrations that are left out for it.
        photographs: the spectrum of photographs; empty for none.
        demonstrations: by key, in the order of the entries.
    """

    subject: dict[str, str]
    absent: dict[str, list[str]]
    photographs: list[float]
    demonstrations: dict[str, Record]


def notes_of(atlas: Atlas) -> Notes | None:
    """The document; None before there is any."""
    found: Notes | None = atlas.document(PANEL, DOCUMENT)
    return found
