"""What every message was to every viewer as of a moment: once more, from the pages alone, over the log's own list of events."""

DAY = 86_400_000


def events_of(connection, end):
    """All events through `end`, by position."""
    events, start = [], 1
    while start <= end:
        page = connection.call("EVENTS.READ", "FROM", start, "COUNT", 10_000)
        events, start = events + page, page[-1]["position"] + 1
    return events


class Model:
    """Knows policies of whole tenants, in days or for ever, and messages hidden one by one: what real conversations are tried with."""

    def __init__(self, events):
        self.recorded = {event["position"]: event.get("recorded") or event["at"] for event in events}
        self.sends = [event for event in events if event["kind"] == b"send"]
        # By position of the message: viewer, position and time of what hid it.
        self.deletes = {}
        # By tenant: when it takes effect, position, time, days.
        self.changes = {}
        ids = {}
        for event in self.sends:
            ids.setdefault((event["tenant"], event["message-id"]), []).append(event["position"])
        for event in events:
            if event["kind"] == b"local-delete":
                for name in event["message-ids"]:
                    # The latest one of that id by then.
                    position = max(position for position in ids[event["tenant"], name] if position < event["position"])
                    self.deletes.setdefault(position, []).append((event["viewer"].decode(), event["position"], event["at"]))
            elif event["kind"] == b"retention-change":
                days = None if event["period"] == b"forever" else int(event["period"][:-1])
                self.changes.setdefault(event["tenant"], []).append((event["effective-at"], event["position"], event["at"], days))

    def at(self, position, time):
        return View(self, position, time)


class View:
    """What is known by a position and a time, both inclusive."""

    def __init__(self, model, position, time):
        self.model, self.position, self.time = model, position, time
        self.days = {}
        for tenant, changes in model.changes.items():
            known = [change for change in changes if change[1] <= position and max(change[0], change[2]) <= time]
            if known:
                self.days[tenant] = max(known)[3]

    def state(self, send, viewer):
        """None: not there yet."""
        if send["position"] > self.position or send["at"] > self.time:
            return None
        days = self.days.get(send["tenant"], 180)
        if days is not None and send["at"] + days * DAY <= self.time:
            return "expired"
        return "hidden" if viewer in self.hiders(send) else "visible"

    def hiders(self, send):
        deletes = self.model.deletes.get(send["position"], ())
        return {viewer for viewer, by, at in deletes if by <= self.position and at <= self.time}
