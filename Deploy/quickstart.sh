#!/usr/bin/env bash
# From a fresh machine with Swift to a conversation in the archive: installs what is missing, builds, and shows around.
# Everything that it makes lies in a temporary folder and is gone at the end; only the build stays.
set -euo pipefail
cd "$(dirname "$0")/.."

Deploy/packages.sh build sample
echo "building (some minutes the first time)"
swift build -c release --scratch-path .build-release

PATH="$PWD/.build-release/release:$PATH"
folder=$(mktemp -d "${TMPDIR:-/tmp}/annals-XXXXXX")
export ANNALS_SOCKET="$folder/socket"
daemon=

finish() {
    # Only what was started here, and only if it is still there: after `annals shutdown` it is not.
    if [ -n "$daemon" ] && kill -0 "$daemon" 2>/dev/null; then
        kill "$daemon"
        wait "$daemon" || true
    fi
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Says what comes: on a terminal in bold.
bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# Prints a command as one would type it, and runs it.
show() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}

say "Starting the daemon on a folder and a socket of its own."
printf '\n$ annalsd --data %q --socket %q &\n' "$folder/data" "$ANNALS_SOCKET"
annalsd --data "$folder/data" --socket "$ANNALS_SOCKET" 2>"$folder/log" &
daemon=$!
for _ in $(seq 200); do
    if annals status >/dev/null 2>&1; then break; fi
    if ! kill -0 "$daemon" 2>/dev/null; then
        cat "$folder/log" >&2
        exit 1
    fi
    sleep 0.05
done
printf '$ export ANNALS_SOCKET=%q\n' "$ANNALS_SOCKET"

say "Importing 200 days of a bookshop: some 300 messages in three conversations, Chinese and English."
show 'Deploy/sample.py | annals import -'

say "A conversation as 老陈 sees it: the newest messages."
show 'annals timeline lantern-books 柜台 --viewer 老陈 --count 10 --ids'

say "林悦 hides a message from herself. Everybody else still sees it."
show 'annals delete lantern-books 柜台 counter-131 --viewer 林悦'
show 'annals timeline lantern-books 柜台 --viewer 林悦 --count 8 --ids'
show 'annals timeline lantern-books 柜台 --viewer 老陈 --count 8 --ids'

say "Messages are kept for 180 days unless somebody decides otherwise: these are the oldest that can be seen."
show 'annals retention get --tenant lantern-books --conversation 柜台'
show 'annals timeline lantern-books 柜台 --viewer 老陈 --after - --count 5'

say "What would it do to keep this conversation for 30 days only? A preview changes nothing."
show 'annals retention preview 30d --tenant lantern-books --conversation 柜台'
show 'annals retention set 30d --tenant lantern-books --conversation 柜台 --reason "the counter talks a lot"'

say "What shortens takes effect a week later, and can be cancelled until then."
show 'annals retention get --tenant lantern-books --conversation 柜台'

say "A court asks for what one person wrote: a hold keeps it, whatever its period."
show 'annals hold place case-7 --tenant lantern-books --sender 林悦 --matter "case 7" --reason "a court order"'

say "What may be destroyed today, and what may not? A plan counts, and changes nothing. What has expired goes by itself."
show 'annals purge plan --tenant lantern-books'
show 'annals message lantern-books counter-131 --explain'

say "The past does not change: the same timeline as it was a month ago, under the policy of that time. What has expired since is for auditors, who say why."
show "annals timeline lantern-books 柜台 --viewer 老陈 --after - --count 5 --asof '30d ago' --reason 'case 7'"

say "What an auditor sees of the hidden message: its content, and every event that touched it. He says why, and is written down himself."
show 'annals history lantern-books counter-131 --reason "case 7"'
show 'annals status'

say "Stopping. What was accepted is answered and on disk."
show 'annals shutdown'
wait "$daemon"
daemon=
say "That was all of it. The folder goes now, the build stays; README.md tells how to go on."
