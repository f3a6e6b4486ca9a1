"""List the benchmarks: `python -m benchmarks`."""

from __future__ import annotations

import ast
from pathlib import Path


def main() -> None:
    """Print the first line of each program's docstring."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem.startswith("_"):
            continue
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[:1]
        print(f"python benchmarks/{path.name}\n    {first[0] if first else ''}")


if __name__ == "__main__":
    main()
