"""LaTeX that includes a figure of a unit, as `lamella figure` draws it.

Flow: opened -> **latex** -> `lamella cite`.
"""

import shlex
from pathlib import Path

from lamella.exports.opened import Unit
from lamella.figures import links
from lamella.network.units import Unit as Named
from lamella.site.citation import tex

SNIPPET = r"""% lamella figure {config} {unit} --out {file}
\begin{{figure}}
  \centering
  \includegraphics[width=\linewidth]{{{file}}}
  \caption{{{caption}~\cite{{{key}}}.}}
  \label{{fig:{key}}}
\end{{figure}}"""


def snippet(unit: Unit, path: Path) -> str:
    """A figure of a unit, with its caption, for a paper.

    Args:
        path: of the atlas.toml, or of the site.
    """
    network = unit.layer.atlas.catalogue.network
    config = path if path.suffix == ".toml" else "atlas.toml"
    named = f"Unit {unit.name} of {network.name}"
    return SNIPPET.format(
        config=shlex.quote(str(config)),
        unit=shlex.quote(unit.name),
        file=links.file_name(Named(unit.layer.name, unit.channel), "pdf"),
        caption=tex(f"{named} ({unit.class_name})" if unit.class_name else named)
        + ": feature visualization, dataset examples and strongest weights",
        key=unit.citation.key,
    )
