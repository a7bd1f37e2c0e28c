"""Plain values to sections of atlas.toml; what is wrong with them, in the user's words.

Flow: **validation** -> config, and the settings of analyses.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lamella.errors import ConfigError, did_you_mean

S = TypeVar("S", bound=BaseModel)

# What pydantic says of Python's types, said of TOML's.
_WORDS = (
    ("Value error, ", ""),
    ("Input should", "It should"),
    ("a valid dictionary", "a section"),
    ("a valid tuple", "a list in brackets"),
    ("Tuple", "The list"),
    (" after validation", ""),
    ("a valid string", "text in quotes"),
    ("a valid integer", "a whole number"),
    ("a valid number", "a number"),
)


def validated(section: type[S], plain: dict[str, Any], where: str) -> S:
    """Plain values as a section.

    Args:
        where: the file, and in it the section, for the errors.
    Raises:
        ConfigError: a key is unknown or missing, or a value bad; all of them are named.
    """
    try:
        return section.model_validate(plain)
    except ValidationError as error:
        described = [_described(section, problem, where) for problem in error.errors()]
        problems = "\n".join(f"{problem}\n  {remedy}" for problem, remedy in described[:-1])
        last, remedy = described[-1]
        raise ConfigError(f"{problems}\n{last}" if problems else last, remedy) from None


def _described(section: type[BaseModel], found: Any, where: str) -> tuple[str, str]:
    """One thing that pydantic found: problem and remedy."""
    at = [str(part) for part in found["loc"]]
    fields = _section_at(section, at[:-1]).model_fields
    if found["type"] == "extra_forbidden":
        known = f"Known there: {', '.join(fields) or 'nothing'}."
        remedy = did_you_mean(at[-1], fields) or _belongs(section, at[-1]) or known
        return f"{where}: unknown key '{'.'.join(at)}'.", remedy
    if found["type"] == "missing" and at[-1] in fields:
        return f"{where}: '{'.'.join(at)}' is missing.", fields[at[-1]].description or "Add it."
    said = str(found["msg"])
    if found["type"] == "missing":
        *at, last = at
        said = f"It should have {int(last) + 1} values or more"
    said = said.partition(" or instance of")[0]
    for python, toml in _WORDS:
        said = said.replace(python, toml)
    problem, _, remedy = said.partition("\n")
    if remedy:  # of a section as a whole
        return f"{where}: [{'.'.join(at)}] {problem}", remedy
    given = repr(found["input"])
    given = given.lower() if isinstance(found["input"], bool) else given
    shown = given if len(given) <= 80 else f"{given[:77]}..."
    return f"{where}: '{'.'.join(at)}' is {shown}.", f"{said}."


def _belongs(section: type[BaseModel], key: str, below: str = "") -> str:
    """Where a key belongs that stands in the wrong place; "" where it is not known at all."""
    if key in section.model_fields:
        place = f"into [{below}]" if below else "at the top, before the first [section]"
        return f"It belongs {place}."
    for name in section.model_fields:
        inner = _section_at(section, [name])
        at = f"{below}.{name}" if below else name
        if inner is not section and (found := _belongs(inner, key, at)):
            return found
    return ""


def _section_at(section: type[BaseModel], at: list[str]) -> type[BaseModel]:
    """The section that a path of keys leads to."""
    for part in at:
        field = section.model_fields.get(part)
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if field else ():
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                section = kind
    return section
