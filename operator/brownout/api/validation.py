"""Documents into objects, or into every problem they have: the one validation of both homes.

It works on what a YAML or JSON reader gives and knows no file format; who read the document says on which line a path
stands.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import chain
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from brownout.api.integration import Integration
from brownout.api.metadata import API_VERSION, METADATA_FIELDS
from brownout.api.policy import BrownoutPolicy
from brownout.api.problems import Fault, Problem, path_text, shown
from brownout.api.schema import part_of
from brownout.api.together import check_together

__all__ = ["KINDS", "LineOf", "Path", "check_together", "problems_of", "validate_document", "validate_written"]

Path = tuple[str | int, ...]
LineOf = Callable[[Path], int | None]

KINDS: Final[Mapping[str, type[Integration] | type[BrownoutPolicy]]] = {
    "Integration": Integration,
    "BrownoutPolicy": BrownoutPolicy,
}
_MOST_PROBLEMS: Final = 100
_LONGEST_NAME: Final = 40
_OUR_FAULTS: Final = {
    "invalid": Fault.INVALID,
    "unsupported": Fault.UNSUPPORTED,
    "duplicate": Fault.DUPLICATE,
    "missing": Fault.REQUIRED,
    "extra_forbidden": Fault.UNKNOWN_FIELD,
    "literal_error": Fault.UNSUPPORTED,
}
#: What pydantic calls the faults that are not of a leaf, and the words for them.
_SHAPES: Final = {
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "string_type": "must be a string",
    "string_unicode": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
}


def _nowhere(_: Path) -> int | None:
    return None


def validate_document(
    document: object, *, file: str = "", line_of: LineOf = _nowhere
) -> Integration | BrownoutPolicy | tuple[Problem, ...]:
    """Give the object that a document declares, or all its problems in the order of their lines."""
    if not isinstance(document, Mapping):
        allowed = "must be an object with apiVersion, kind, metadata and spec"
        return (Problem(file=file, line=line_of(()), value=shown(document), allowed=allowed),)
    kind = KINDS.get(str(document.get("kind")))
    if kind is None:
        return _sorted(chain(_foreign(document, file, line_of), _rest(document, file, line_of)))
    try:
        return kind.from_wire(document)
    except ValidationError as refusal:
        return problems_of(kind, refusal, file=file, line_of=line_of)


def validate_written(
    document: object, *, file: str = "", line_of: LineOf = _nowhere
) -> Integration | BrownoutPolicy | tuple[Problem, ...]:
    """The same for what a person wrote: of its metadata nothing is passed over, as `kubectl apply` passes over nothing.

    What an API server sends is not judged so: a newer one may know more fields.
    """
    verdict = validate_document(document, file=file, line_of=line_of)
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    unknown = [key for key in metadata if key not in METADATA_FIELDS] if isinstance(metadata, Mapping) else []
    if not unknown:
        return verdict
    paths: list[Path] = [("metadata", str(key)) for key in unknown[:_MOST_PROBLEMS]]
    problems = (_unknown(path, METADATA_FIELDS, file, line_of) for path in paths)
    return _sorted(chain(problems, verdict if isinstance(verdict, tuple) else ()))


def _unknown(path: Path, known: Iterable[str], file: str, line_of: LineOf) -> Problem:
    return Problem(file, line_of(path), path_text(path), "", _close_to(path, known), Fault.UNKNOWN_FIELD)


def problems_of(
    model: type[BaseModel], refusal: ValidationError, *, file: str = "", line_of: LineOf = _nowhere
) -> tuple[Problem, ...]:
    """Give what a model refused as problems, in the order of their lines."""
    # Thousands of faults fit into one file; nobody reads past the first hundred.
    errors = refusal.errors(include_url=False)[:_MOST_PROBLEMS]
    return _sorted(_problem(model, error, file, line_of) for error in errors)


def _sorted(problems: Iterator[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: problem.line or 0))


def _foreign(document: Mapping[str, object], file: str, line_of: LineOf) -> Iterator[Problem]:
    """Tell what is wrong with a document that declares nothing of ours."""
    for field, words in (("apiVersion", (API_VERSION,)), ("kind", tuple(KINDS))):
        value = document.get(field)
        if value in words:
            continue
        fault = Fault.REQUIRED if value is None else Fault.UNSUPPORTED
        allowed = ", ".join(f'"{word}"' for word in words)
        allowed = f"must be {allowed}" if fault is Fault.REQUIRED else allowed
        yield Problem(file, line_of((field,)), field, shown(value), allowed, fault)


def _rest(document: Mapping[str, object], file: str, line_of: LineOf) -> Iterator[Problem]:
    """Tell what else is wrong where a kind of ours is only spelt in other letters."""
    spelt = str(document.get("kind")).lower()
    for kind in (each for each in KINDS if each.lower() == spelt):
        verdict = validate_document({**document, "kind": kind}, file=file, line_of=line_of)
        yield from verdict if isinstance(verdict, tuple) else ()


def _problem(kind: type[BaseModel], error: Any, file: str, line_of: LineOf) -> Problem:
    path: Path = error["loc"]
    fault = _OUR_FAULTS.get(error["type"], Fault.INVALID)
    text, value, allowed = path_text(path), shown(error["input"], path), _allowed(kind, error)
    if fault is Fault.UNKNOWN_FIELD or fault is Fault.REQUIRED:
        value = ""
    if path in (("apiVersion",), ("kind",)) and fault is Fault.REQUIRED:
        allowed = f'must be "{API_VERSION}"'
    return Problem(file, line_of(path), text, value, allowed, fault)


def _allowed(kind: type[BaseModel], error: Any) -> str:
    match error["type"]:
        case "missing":
            return ""
        case "extra_forbidden":
            return _did_you_mean(kind, error["loc"])
        case "literal_error":
            return str(error["ctx"]["expected"]).replace("'", '"')
        case "too_short":
            return f"must hold at least {error['ctx']['min_length']} items"
        case "too_long":
            return f"must hold at most {error['ctx']['max_length']} items"
    return str(error.get("ctx", {}).get("allowed") or _SHAPES.get(error["type"]) or error["msg"])


def _did_you_mean(kind: type[BaseModel], path: Path) -> str:
    part = part_of(kind, path[:-1])
    return _close_to(path, [field.alias or name for name, field in part.model_fields.items()] if part else [])


def _close_to(path: Path, known: Iterable[str]) -> str:
    # Only the beginning is compared: a key may be a megabyte long.
    close = get_close_matches(str(path[-1])[:_LONGEST_NAME], sorted(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""
