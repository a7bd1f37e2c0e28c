#!/usr/bin/env bash
# A Chromium for the browser tests: found on the path, or installed from Debian's packages.
# Without one those tests are skipped; where tests must not be skipped (CI is set) it is an error.
set -euo pipefail

for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$browser" >/dev/null; then exit 0; fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing chromium from Debian's packages ..."
    export DEBIAN_FRONTEND=noninteractive
    if apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null; then
        exit 0
    fi
fi

echo "No Chromium or Chrome on the path: the browser tests are skipped." >&2
echo "  Debian and Ubuntu: sudo apt-get install chromium. Elsewhere: google.com/chrome." >&2
[ -z "${CI:-}" ]
