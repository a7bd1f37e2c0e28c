#!/usr/bin/env bash
# Bundle the pages' scripts into public/, which is committed and shipped: users need no Node.
# Exact versions stand in package-lock.json; the same sources give the same bytes.
set -euo pipefail
cd "$(dirname "$0")"

npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

npx --no-install esbuild src/site.js src/search.js src/map.js src/zoom.js \
  --bundle --minify --format=iife --target=es2020,firefox102,safari15 \
  --charset=ascii --legal-comments=none --outdir=public --log-level=warning

# The licences of what was bundled, in the order of their names.
{
  echo "The scripts of this site contain these libraries, each under its own licence."
  for licence in node_modules/{d3-*,kdbush,minisearch,openseadragon}/LICENSE*; do
    package=$(dirname "$licence")
    version=$(node -p "require('./$package/package.json').version")
    printf '\n\n%s %s\n\n' "$(basename "$package")" "$version"
    cat "$licence"
  done
} > public/licences.txt
