# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Every line of JSON against docs/fdtrace-1.schema.json."""
import json
from functools import lru_cache

import jsonschema

import harness


@lru_cache(maxsize=None)
def _validator():
    text = (harness.ROOT / "docs" / "fdtrace-1.schema.json").read_text()
    schema = json.loads(text)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def validate(lines, most=200):
    """Raises on the first line that is not as the schema says; the first `most` are looked at."""
    for line in lines[:most]:
        error = jsonschema.exceptions.best_match(_validator().iter_errors(line))
        assert error is None, f"{error.json_path}: {error.message}\n{json.dumps(line)}"
