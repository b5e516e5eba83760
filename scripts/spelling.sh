#!/usr/bin/env bash
# Looks for misspelt words with `typos`, which pip brings beside the build where it is not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

typos=typos
if ! command -v typos >/dev/null; then
    folder=$(target_folder)/typos
    typos=$folder/bin/typos
    if [ ! -x "$typos" ]; then
        { python3 -m venv "$folder" && "$folder/bin/pip" install -q typos; } >/dev/null 2>&1 || {
            skip "spelling (typos is not installed, and pip cannot bring it)"
            exit
        }
    fi
fi
"$typos"
echo "spelling: no misspelt word"
