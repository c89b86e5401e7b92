#!/usr/bin/env bash
# Runs the whole suite on the Python of the image's base, in that base's own root file system: a copy of this checkout,
# an environment made from the locked requirements, and the tests as `make test` runs them. Needs root and buildah.
set -euo pipefail
cd "$(dirname "$0")/../.."
deploy/build_image.sh --base
container=$(buildah from --pull-never "$(deploy/build_image.sh --name)")
root=$(buildah mount "$container")
trap 'buildah rm "$container" >/dev/null' EXIT

mkdir -p "$root/src"
git ls-files -z | tar --null --files-from=- --create | tar --extract --directory "$root/src"
for given in /etc/resolv.conf /etc/hosts /etc/pip.conf "${PIP_CERT:-}" "${SSL_CERT_FILE:-}"; do
    if [ -n "$given" ] && [ -f "$given" ]; then
        install -D --mode=644 "$given" "$root$given"
    fi
done
if [ -d "$HOME/.m2" ]; then # Kafka's jars, checked by their digests at every start
    mkdir -p "$root/root" && cp --recursive "$HOME/.m2" "$root/root/"
fi

unshare --mount --pid --fork sh -euc '
    root=$1
    shift
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" "$@"
' sh "$root" bash -euc '
    cd /src
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends make procps; } >/dev/null # the tests call both
    python -m venv .venv
    .venv/bin/pip install --quiet --require-hashes --requirement requirements/dev.txt
    .venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
    .venv/bin/python --version
    .venv/bin/pytest tests/unit --numprocesses 2 "$@"
    .venv/bin/pytest tests/integration --numprocesses 3 --dist loadfile "$@"
' bash "$@"
