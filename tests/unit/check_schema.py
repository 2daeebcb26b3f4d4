#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Checks JSON lines, and the examples in docs/json.md, against docs/fdtrace-1.schema.json.

Usage: build/tests/unit/test_json --json | tests/unit/check_schema.py

Stricter than the schema itself: a key that the schema does not name is an error here, so
that no key goes without its description.
"""
import json
import pathlib
import re
import sys

import jsonschema

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def forbid_unknown_keys(node):
    """Every object of the schema that names its keys allows no other."""
    if isinstance(node, list):
        for item in node:
            forbid_unknown_keys(item)
    elif isinstance(node, dict):
        for item in node.values():
            forbid_unknown_keys(item)
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)


def strict_validator():
    schema = json.loads((DOCS / "fdtrace-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    forbid_unknown_keys(schema["$defs"])
    return jsonschema.Draft202012Validator(schema)


def documented_examples():
    text = (DOCS / "json.md").read_text()
    return re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)


def check(validator, text, where):
    problems = 0
    for error in validator.iter_errors(json.loads(text)):
        print(f"{where}: {error.json_path}: {error.message}", file=sys.stderr)
        problems += 1
    return problems


def main():
    validator = strict_validator()
    lines = sys.stdin.read().splitlines()
    examples = documented_examples()
    problems = 0 if lines and examples else 1
    for number, line in enumerate(lines, 1):
        problems += check(validator, line, f"line {number}")
    for number, example in enumerate(examples, 1):
        problems += check(validator, example, f"docs/json.md, example {number}")
    print(f"{len(lines)} lines, {len(examples)} examples: {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
