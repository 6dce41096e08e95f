"""Small YAML files that name the parts of a data set."""

from pathlib import Path
from typing import Any

import yaml

from fcmae.data.naming import shown
from fcmae.errors import DataError

MAX_BYTES = 1_000_000


def read_mapping(file: Path) -> dict[str, Any]:
    """The keys and values of a file that holds plain values only.

    Raises:
        DataError: It cannot be read, or holds something else.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise DataError(f"{shown(file)} is too large to name the parts of a data set.")
        content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{shown(file)} cannot be read: {error.strerror}.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what = error.problem or error.context
        raise DataError(f"{shown(file)}, line {line}: {what}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(f"{shown(file)} is not YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(content, dict):
        raise DataError(f"{shown(file)} must hold keys with values, such as 'train: images/train'.")
    return {str(key): value for key, value in content.items()}
