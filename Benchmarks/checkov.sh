# Sourced: leaves the peer's program in $checkov, installing it on first use.
checkov_version=3.3.30
checkov_home=$BENCH_CACHE/checkov
checkov=$checkov_home/venv/bin/checkov
if [[ $("$checkov" --version 2>/dev/null | tail -1) != "$checkov_version" ]]; then
    echo "installing checkov $checkov_version into $checkov_home (once)" >&2
    mkdir -p "$checkov_home"
    python3 -m venv "$checkov_home/venv"
    "$checkov_home/venv/bin/pip" install --quiet "checkov==$checkov_version" >&2
fi
# The peer at its fastest: one framework, no look-ups over the network.
checkov_options=(--framework kubernetes --quiet --compact --skip-download -o json)
