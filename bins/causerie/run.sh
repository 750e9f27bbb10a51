#!/usr/bin/env bash
# The part of `make run` after the build: default weights where nothing else can answer, then the server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

causerie=${CARGO_TARGET_DIR:-target}/release/causerie

# What the environment sets already counts more, as it does for a configuration file. Nothing is expanded or run.
load_dotenv() {
    local line name value number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=${line%$'\r'}
        if [[ $line =~ ^[[:space:]]*(#.*)?$ ]]; then continue; fi
        if ! [[ $line =~ ^(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]]; then
            echo ".env, line $number: expected NAME=value" >&2
            exit 2
        fi
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then value=${BASH_REMATCH[1]}; fi
        if [ -z "${!name+set}" ]; then export "$name=$value"; fi
    done <.env
}

if [ -f .env ]; then load_dotenv; fi

skip_models=${CAUSERIE_SKIP_MODELS:-}
# The program refuses CAUSERIE_ names that are not configuration, so that a misspelt one is noticed.
unset CAUSERIE_SKIP_MODELS

# Also says now, and not after a download, what is wrong with the configuration.
settings=$("$causerie" config show)

if [ "$skip_models" = 1 ]; then
    echo "run: CAUSERIE_SKIP_MODELS=1: the default weights are not fetched"
elif grep -Eq '^providers\.[^.]+\.(api_key|base_url)[[:space:]]' <<<"$settings"; then
    echo "run: a provider is configured: the default weights are not fetched ('causerie models pull' does it)"
elif ! "$causerie" models pull; then
    echo "run: serving without the default weights, so without a chat model; 'make run' tries again" >&2
fi

exec "$causerie" serve
