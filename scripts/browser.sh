#!/usr/bin/env bash
# Chromium and its driver for the browser tests, the screenshots and the charts in PDFs.
set -euo pipefail
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "browser: chromium and chromedriver were not found; install them (Debian: apt-get install chromium chromium-driver)" >&2
  exit 1
fi
echo "browser: installing chromium and chromium-driver"
apt-get update -qq </dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver </dev/null >/dev/null
