#!/usr/bin/env bash
# Make a virtual environment with exactly the packages of constraints.txt.
# Usage: setup.sh PYTHON VENV
set -euo pipefail
python=${1:-python3}
venv=${2:-.venv}

if ! command -v "$python" >/dev/null; then
  echo "setup: $python was not found; install Python 3.11 or newer, or run make PYTHON=/path/to/python3" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: $("$python" --version) is too old; Python 3.11 or newer is needed (make PYTHON=/path/to/python3)" >&2
  exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
  # Debian's python3 comes without ensurepip; as root we can fetch the package that has it.
  if ! "$python" -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq </dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv </dev/null >/dev/null
  fi
  "$python" -m venv "$venv"
fi
echo "setup: installing the pinned packages into $venv (about 1.5 GB, once)"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
echo "setup: done"
