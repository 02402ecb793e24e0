#!/usr/bin/env bash
# Installs what is missing of the system's packages (Debian 12, Ubuntu) for: build, sample, test or benchmark.
# Swift itself is not among them: this says what to do when there is none.
set -euo pipefail

usage() {
    echo "usage: Deploy/packages.sh build|sample|test|benchmark …" >&2
    exit 2
}

fail() {
    printf 'annals: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root: as it is, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || fail "packages must be installed (${missing[*]}), and you are neither root nor is there sudo"
        sudo "$@"
    fi
}

check_swift() {
    local said found major minor
    command -v swift >/dev/null ||
        fail "there is no Swift; install 6.3 or newer as https://www.swift.org/install/linux says, and put its usr/bin in PATH"
    said=$(swift --version 2>&1) ||
        fail "Swift is there and does not run; https://www.swift.org/install/linux lists the packages that it needs itself. It says: $said"
    found=$(sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' <<<"$said" | head -n 1)
    major=${found%%.*}
    minor=${found#*.}
    if [ -z "$found" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 3 ]; }; then
        fail "Annals needs Swift 6.3 or newer, and 'swift --version' says ${found:-nothing that can be read}; see https://www.swift.org/install/linux"
    fi
}

# What is missing, each once.
missing=()
need() {
    local package=$1
    case " ${missing[*]-} " in *" $package "*) ;; *) missing+=("$package") ;; esac
}
# A program counts as there wherever it comes from; its package is the second word.
need_program() { command -v "$1" >/dev/null || need "$2"; }
# A library counts as there when its header can be found.
need_library() {
    if command -v pkg-config >/dev/null && pkg-config --exists "$1"; then return; fi
    need "$2"
}

need_build() {
    check_swift
    # Some of the packages that the build fetches are C++; g++ brings its headers, the C library's, and the linker.
    if [ ! -d /usr/include/c++ ] || [ ! -e /usr/include/stdio.h ]; then need g++; fi
    need_program git git
    # To fetch over https.
    [ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates
    need_program pkg-config pkg-config
    need_library lmdb liblmdb-dev
    need_library libsodium libsodium-dev
    need_library libxxhash libxxhash-dev
    need_library zlib zlib1g-dev
}

need_python() {
    need_program python3 python3
    # Debian splits Python: without this package `python3 -m venv` is there and fails.
    if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        need python3-venv
        need python3-pip
    fi
}

need_redis() {
    need_program redis-cli redis-tools
    need_program redis-benchmark redis-tools
    need_program redis-server redis-server
}

# Started by the programs of the newest version that is installed, which are not in PATH.
need_postgresql() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need_program initdb postgresql
    compgen -G '/usr/lib/postgresql/*/bin/pgbench' >/dev/null || need_program pgbench postgresql-contrib
}

# Packages with a service start it when they are installed, unless this file says no. Ours are started by hand, on sockets of their own.
policy=/usr/sbin/policy-rc.d
made_policy=0
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made_policy=1
}

log=
clean_up() {
    [ "$made_policy" -eq 0 ] || as_root rm -f "$policy"
    [ -z "$log" ] || rm -f "$log"
}

install_missing() {
    command -v apt-get >/dev/null ||
        fail "this is no Debian or Ubuntu; install what these packages hold by the system's own means: ${missing[*]}"
    echo "installing ${missing[*]}"
    log=$(mktemp)
    trap clean_up EXIT
    forbid_services
    if ! as_root apt-get update -qq >"$log" 2>&1; then
        cat "$log" >&2
        fail "apt-get update failed"
    fi
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
        cat "$log" >&2
        fail "apt-get install failed"
    fi
}

[ $# -gt 0 ] || usage
for purpose in "$@"; do
    case $purpose in
        build) need_build ;;
        sample) need_program python3 python3 ;;
        test)
            need_build
            need_python
            need_redis
            ;;
        benchmark)
            need_build
            need_program python3 python3
            need_program cc gcc
            need_redis
            need_postgresql
            ;;
        *) usage ;;
    esac
done
if [ ${#missing[@]} -gt 0 ]; then install_missing; fi
