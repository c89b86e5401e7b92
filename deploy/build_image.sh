#!/usr/bin/env bash
# Builds the image `localhost/greenlane:VERSION` from deploy/Dockerfile where no container engine runs: with buildah, on a
# base made of Debian's own packages. Needs root and `apt-get install buildah debootstrap`.
# --base makes the base alone, --name tells its name.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

for tool in buildah debootstrap; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not installed: apt-get install buildah debootstrap" >&2
        exit 2
    }
done

release=trixie # Python 3.13
base=localhost/greenlane-python:$release
if [ "${1:-}" = --name ]; then
    echo "$base"
    exit
fi
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    echo "making the base image from Debian's packages"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$release" "$root"
    ln -sf python3 "$root/usr/bin/python"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/usr/share/{doc,man,locale}/*
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$root" /
    buildah commit --quiet "$container" "$base"
    buildah rm "$container"
fi
if [ "${1:-}" = --base ]; then
    exit
fi
buildah bud --isolation chroot --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro \
    --build-arg PYTHON_IMAGE="$base" --tag "greenlane:$version" --file deploy/Dockerfile .
