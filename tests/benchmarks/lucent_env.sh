#!/usr/bin/env bash
# Make .bench/lucent, the environment of its own that torch-lucent needs for its old kornia.
#
#   bash tests/benchmarks/lucent_env.sh [PYTHON]
#
# Does nothing where it is there and the requirements have not changed. Fails without a package
# index, and then leaves no half of an environment behind.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/benchmarks
env=.bench/lucent
# Both files decide what is installed, and so does the interpreter.
python=${1:-.venv/bin/python}
wanted=$(cat "$here/lucent-requirements.txt" constraints.txt <("$python" --version) | cksum)
if [ "$(cat "$env/.installed" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
trap 'rm -rf "$env"' ERR INT TERM
"$python" -m venv --clear "$env"
pip=("$env/bin/python" -m pip --disable-pip-version-check install -qq --retries 1 -c constraints.txt)
# torch goes first, as in the Makefile: by its exact version it comes as one wheel.
"${pip[@]}" $(grep -E '^(torch|torchvision)==' "$here/lucent-requirements.txt")
"${pip[@]}" -r "$here/lucent-requirements.txt"
printf '%s\n' "$wanted" > "$env/.installed"
