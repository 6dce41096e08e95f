"""Options given in Python: keyword arguments, groups as mappings or dataclasses, or all as one."""

import dataclasses
from collections.abc import Mapping
from functools import reduce
from typing import Any

from fcmae.options.complaints import accepted, unknown
from fcmae.options.fields import Field, accepts, fields_of, groups_of
from fcmae.options.objects import is_object, summary
from fcmae.options.parse import as_text


def keyword_values(keywords: Mapping[str, Any], options: type) -> dict[str, Any]:
    """The text of every option given as a keyword argument, or the object that it is.

    Groups are dicts or dataclasses; None leaves all of a group at its defaults.
    """
    fields, groups, values = fields_of(options), groups_of(options), dict[str, Any]()
    for name, value in keywords.items():
        inner = {name: value}
        if name in groups and value is None:
            continue
        if name in groups:
            members = _members(value) if dataclasses.is_dataclass(value) else value
            if not isinstance(members, Mapping):
                raise ValueError(f"{name} is {value!r}, but must be a dict or a dataclass.")
            inner = {f"{name}.{key}": item for key, item in members.items()}
        for key, item in inner.items():
            if key not in fields:
                raise unknown(key, options)
            values[key] = as_text_or_object(item, fields[key])
    return values


def whole_values(options: Any) -> dict[str, Any]:
    """The text, or the object, of every option of a dataclass that is not at its default."""
    kind: type = type(options)
    values = {}
    for name, field in fields_of(kind).items():
        value = reduce(getattr, name.split("."), options)
        kept = field.objects is not None and field.objects.fits(value)
        if kept or field.required or value != field.default:
            values[name] = as_text_or_object(value, field)
    return values


def as_text_or_object(value: Any, field: Field) -> Any:
    """A value that Python gives: the object where the field takes it, else its text."""
    if field.objects is not None and field.objects.fits(value):
        return value
    several = isinstance(value, (list, tuple, Mapping))
    if several and not (accepts(field.hint, list) or accepts(field.hint, tuple)):
        raise ValueError(f"{field.name} is {value!r}, but must be {accepted(field)}.")
    if is_object(value):
        raise ValueError(f"{field.name} is {summary(value)}, but must be {accepted(field)}.")
    return as_text(value, field)


def _members(group: Any) -> dict[str, Any]:
    """The values of a group, by name."""
    return {field.name: getattr(group, field.name) for field in dataclasses.fields(group)}
