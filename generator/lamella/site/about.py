"""What the pages say of the atlas itself.

Flow: config -> **about** -> pages.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """What the pages say of the atlas itself.

    Attributes:
        credits: whose photographs and weights these are, as plain text.
        site_url: where it will be published; "" for nowhere known.
        publish: what of the images may be shown: "whole", "patches" or "none".
        version: lamella's.
    """

    title: str
    description: str = ""
    authors: tuple[str, ...] = ()
    licence: str = ""
    credits: str = ""
    site_url: str = ""
    publish: str = "whole"
    version: str = ""
