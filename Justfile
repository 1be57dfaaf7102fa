# What is done to this project, by name. `just` alone runs the tests.

python := ".venv/bin/python"

default: check

# Linters, types and tests, set up from nothing.
check *arguments:
    bash .ci/check {{arguments}}

# Tests alone.
test *arguments:
    {{python}} -m pytest -q {{arguments}}

# Linters and types.
lint:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy

# Put the code in the house's form.
format:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# Pin today's releases, with their hashes and no index's address.
pin:
    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet pyproject.toml deploy/build.in -o constraints.txt
    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet pyproject.toml deploy/build.in --group dev -o constraints-dev.txt

# The tour without a network.
demo:
    .venv/bin/bilateral demo
