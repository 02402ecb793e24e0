#!/usr/bin/env python3
"""Writes the sample conversations of sample.txt as lines for `annals import`, with times relative to now."""

import datetime
import json
import pathlib
import sys

TENANT = "lantern-books"
# Ids are chosen by the service: here a short word for each conversation and a running number.
ID_WORDS = {"柜台": "counter", "屋顶花园": "garden", "读书会": "reading"}


def pause_seconds(text):
    """How long a person takes to read what was said and to write this: between 25 seconds and some minutes."""
    return 25 + 4 * len(text.encode()) % 190


def messages(lines, now):
    """Yields (conversation, number, sender, text, time) of every message."""
    conversation, number, time = None, 0, None
    for line in lines:
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            conversation, number = line[2:], 0
        elif line.startswith("@ "):
            days, clock = line[2:].split()
            hour, minute = map(int, clock.split(":"))
            day = now.date() - datetime.timedelta(days=int(days))
            # The day's own offset from UTC, which summer time may have changed since.
            time = datetime.datetime.combine(day, datetime.time(hour, minute)).astimezone()
        else:
            sender, text = line.split(": ", 1)
            number += 1
            yield conversation, number, sender, text, time
            time += datetime.timedelta(seconds=pause_seconds(text))


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    now = datetime.datetime.now().astimezone()
    path = pathlib.Path(__file__).with_name("sample.txt")
    found = list(messages(path.read_text(encoding="utf-8").splitlines(), now))
    # As they were said: the three conversations went on at the same time.
    for conversation, number, sender, text, time in sorted(found, key=lambda message: message[4]):
        line = {
            "type": "send",
            "tenant": TENANT,
            "conversation": conversation,
            "sender": sender,
            "message_id": f"{ID_WORDS[conversation]}-{number}",
            "sent_at": int(time.timestamp() * 1000),
            "body": text,
        }
        json.dump(line, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
