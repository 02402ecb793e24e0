"""What a disk may hold after a crash, worked out from a recording of a process's writes and syncs (recorder.c).

The model is strict, that is weaker than any journaling file system:
- Bytes are durable when a sync of their file that began after the write has ended, or when a write through O_DSYNC has returned.
  `sync_file_range` makes nothing durable. Of everything later any subset may be there, and of a write any subset of its sectors of
  512 bytes; where a sector of a file that grew is lost, there are zeros, or the file is shorter.
- A length (ftruncate, fallocate, O_TRUNC) is lost or kept like a write.
- Names (create, mkdir, link, rename, unlink) are durable when a sync of their folder that began after them has ended; a sync of the
  file itself does nothing for its name. Before, a folder has those up to some moment, each folder another one: every file system
  that Annals runs on keeps the changes of one folder in their order. `ordered=False` takes any subset. A rename is there or not, never half.
What is written through mappings is not recorded: LMDB's lock files, which it makes anew when nobody has them open.
"""

import bisect
import os
import pathlib
import shutil
import stat
import struct

ENTRY = struct.Struct("<II QQQ IIII")
DSYNC, CREATED, TRUNCATED = 1, 2, 4
KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE
SECTOR = 512
LENGTH = -1  # Among the sectors that are kept of a write: the file's length.


class Entry:
    """One call, as it was logged."""
    __slots__ = ("seq", "letter", "flags", "inode", "a", "b", "path", "other", "data", "process")

    def __str__(self):
        what = {"O": "create", "W": "write", "T": "truncate", "F": "allocate", "B": "sync begins", "E": "sync ended", "R": "rename",
                "L": "link", "U": "unlink", "M": "mkdir", "A": "answer", "C": "chmod"}[self.letter]
        where = f" at {self.a}+{len(self.data)}" if self.letter == "W" else f" {self.a}" if self.letter in "TF" else ""
        target = f" -> {self.other}" if self.other else ""
        return f"#{self.seq} {what} {self.path}{target}{where}" + (" O_DSYNC" if self.letter == "W" and self.flags else "")


def read_log(path, root):
    """The entries of a log in order, with paths below `root`."""
    data, offset, entries = path.read_bytes(), 0, []
    while offset + ENTRY.size <= len(data):
        letter, flags, inode, a, b, *lengths, process = ENTRY.unpack_from(data, offset)
        ends = [offset + ENTRY.size]
        for length in lengths:
            ends.append(ends[-1] + length)
        if ends[-1] > len(data):
            break  # The process was killed while it wrote this.
        entry = Entry()
        entry.seq, entry.letter, entry.flags, entry.process = len(entries), chr(letter), flags, process
        entry.inode, entry.a, entry.b = inode, a, b
        entry.path, entry.other = (os.path.relpath(data[ends[n]:ends[n + 1]].decode(), root) if lengths[n] else "" for n in (0, 1))
        entry.data = data[ends[2]:ends[3]]
        entries.append(entry)
        offset = ends[3]
    return entries


class File:
    """A file's durable bytes, and what was done to it since: entries, or for a part of a write (entry, sectors that are left)."""

    def __init__(self, mode, content=b""):
        self.mode, self.durable, self.waiting = mode & 0o7777, bytearray(content), []


def apply(content, entry, sectors=None):
    """Does to some bytes what an entry did; of a write only the given sectors, counted from the first that it touches."""
    if entry.letter == "W":
        for start, end in [(entry.a, entry.a + len(entry.data))] if sectors is None else pieces(entry, sectors):
            content.extend(bytes(max(0, end - len(content))))
            content[start:end] = entry.data[start - entry.a:end - entry.a]
        if sectors is not None and LENGTH in sectors:
            content.extend(bytes(max(0, entry.a + len(entry.data) - len(content))))
    elif entry.letter in "TO":
        size = entry.a if entry.letter == "T" else 0
        del content[size:]
        content.extend(bytes(size - len(content)))
    elif entry.letter == "F":
        assert entry.flags in (0, KEEP_SIZE), f"{entry}: only plain fallocate is modeled"
        if entry.flags == KEEP_SIZE:
            return  # Blocks behind the end, of which nobody reads anything.
        content.extend(bytes(max(0, entry.a + entry.b - len(content))))


def sector_count(entry):
    return (entry.a + len(entry.data) + SECTOR - 1) // SECTOR - entry.a // SECTOR


def pieces(entry, sectors):
    first = entry.a // SECTOR
    for sector in sorted(set(sectors) - {LENGTH}):
        start = max(entry.a, (first + sector) * SECTOR)
        yield start, min(entry.a + len(entry.data), (first + sector + 1) * SECTOR)


class Disk:
    """The disk as of a moment of a recording: what is durable, and what waits. `step` goes on by one entry."""

    def __init__(self, before=(), honest=lambda entry: True):
        self.files = {}  # By the number that the system gives, and gives again once a file is gone.
        self.all_files = []  # Also those without a name.
        self.names = {".": {}}  # folder -> name -> File, or the path of a folder: as the process sees them
        self.durable_names = {".": {}}
        self.waiting_names = {".": []}  # folder -> [(entry, changes)]: name -> what it means from then on, None: nothing
        self.begun = {}
        self.version = 0  # Another one for each change of what is durable.
        self.honest = honest
        for path, found in before:
            folder, name = os.path.split(path)
            self.names[folder or "."][name] = self.durable_names[folder or "."][name] = self.found(path, found)

    def found(self, path, found):
        if found is None:
            self.names[path], self.durable_names[path], self.waiting_names[path] = {}, {}, []
            return path
        inode, mode, content = found
        if inode not in self.files:
            self.files[inode] = File(mode, content)
            self.all_files.append(self.files[inode])
        return self.files[inode]

    # ---- Going on ----

    def step(self, entry):
        getattr(self, "step_" + entry.letter)(entry)

    def step_A(self, entry):
        pass

    def step_C(self, entry):
        self.files[entry.inode].mode = entry.a & 0o7777

    def step_O(self, entry):
        if not entry.flags & CREATED:
            return self.change(entry)
        file = self.files[entry.inode] = File(entry.a)
        self.all_files.append(file)
        self.rename(entry, entry.path, file)

    def change(self, entry):
        if entry.path.endswith(("-lock", "LOCK")):
            apply(self.files[entry.inode].durable, entry)  # Only who has it open counts, not what is in it.
        else:
            self.files[entry.inode].waiting.append(entry)

    step_T = step_F = change

    def step_W(self, entry):
        file = self.files[entry.inode]
        if not entry.flags & DSYNC or not self.honest(entry):
            return self.change(entry)
        # What waits for the same bytes would come over it. LMDB syncs before it writes a meta page.
        assert not any(other.letter != "W" or overlap(other, entry) for other in file.waiting), f"{entry} overlaps what is not synced"
        apply(file.durable, entry)
        self.version += 1

    def step_B(self, entry):
        self.begun[entry.process, entry.a] = entry.seq

    def step_E(self, entry):
        begun = self.begun.pop((entry.process, entry.a))
        if not self.honest(entry):
            return
        self.version += 1
        if entry.path in self.names:
            waiting = self.waiting_names[entry.path]
            while waiting and waiting[0][0].seq < begun:
                set_names(self.durable_names[entry.path], waiting.pop(0)[1])
        else:
            file = self.files[entry.inode]
            while file.waiting and file.waiting[0].seq < begun:
                apply(file.durable, file.waiting.pop(0))

    def step_M(self, entry):
        self.names[entry.path], self.durable_names[entry.path], self.waiting_names[entry.path] = {}, {}, []
        self.rename(entry, entry.path, entry.path)

    def step_U(self, entry):
        self.rename(entry, entry.path, None)

    def step_L(self, entry):
        self.rename(entry, entry.other, self.thing(entry.path))

    def step_R(self, entry):
        folder, name = os.path.split(entry.path)
        to, other = os.path.split(entry.other)
        assert folder == to and entry.flags == 0, f"{entry}: only plain renames within a folder are modeled"
        thing = self.thing(entry.path)
        # Of two names of one file `rename` does nothing.
        if self.names[folder or "."].get(other) is not thing:
            self.note_names(entry, folder or ".", {name: None, other: thing})

    def thing(self, path):
        folder, name = os.path.split(path)
        return self.names[folder or "."][name]

    def rename(self, entry, path, thing):
        folder, name = os.path.split(path)
        self.note_names(entry, folder or ".", {name: thing})

    def note_names(self, entry, folder, changes):
        set_names(self.names[folder], changes)
        self.waiting_names[folder].append((entry, changes))

    # ---- What may be there after a crash ----

    def waiting(self):
        """Every entry that is not durable, oldest first; not of files that have no name any more in any image."""
        things = [thing for names in self.durable_names.values() for thing in names.values()]
        things += [thing for waiting in self.waiting_names.values() for _, changes in waiting for thing in changes.values()]
        files = {id(thing): thing for thing in things if isinstance(thing, File)}
        entries = [entry for file in files.values() for entry in file.waiting]
        entries += [entry for changes in self.waiting_names.values() for entry, _ in changes]
        return sorted(entries, key=lambda entry: entry.seq)

    def image(self, kept, ordered=True):
        """Path -> (bytes, mode), None for a folder. `kept`: number of an entry -> None, or the sectors of it that are kept."""
        found = {}
        contents = {}

        def walk(folder):
            names = dict(self.durable_names[folder])
            for entry, changes in self.waiting_names[folder]:
                if entry.seq in kept:
                    set_names(names, changes)
                elif ordered:
                    break
            for name, thing in names.items():
                path = os.path.normpath(f"{folder}/{name}")
                if isinstance(thing, str):
                    found[path] = None
                    walk(path)
                else:
                    found[path] = contents.setdefault(id(thing), (self.content(thing, kept), thing.mode, id(thing)))
        walk(".")
        return found

    @staticmethod
    def content(file, kept):
        content = bytearray(file.durable)
        for entry in file.waiting:
            if entry.seq in kept:
                apply(content, entry, kept[entry.seq])
        return content


def snapshot(root):
    """What lies below a folder before a recording, all of it durable: (path, (inode, mode, bytes)), or (path, None) for a folder."""
    found = []
    for path in sorted(pathlib.Path(root).rglob("*")):
        status = path.stat()
        found.append((str(path.relative_to(root)), None if path.is_dir() else (status.st_ino, status.st_mode, path.read_bytes())))
    return found


def overlap(one, other):
    return one.a < other.a + len(other.data) and other.a < one.a + len(one.data)


def set_names(names, changes):
    for name, thing in changes.items():
        if thing is None:
            names.pop(name, None)
        else:
            names[name] = thing


def lay_out(image, root):
    """Writes an image below `root`, in the place of what was there."""
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    placed = {}
    for path, content in image.items():
        place = f"{root}/{path}"
        if content is None:
            os.mkdir(place, 0o700)
        elif content[2] in placed:
            os.link(placed[content[2]], place)  # Two names of one file stay that.
        else:
            placed[content[2]] = place
            with open(os.open(place, os.O_CREAT | os.O_WRONLY, content[1]), "wb") as file:
                file.write(content[0])


# ---- Choosing ----

WAYS = ("lost", "kept", "prefix", "prefix", "subset", "subset", "subset", "one-lost", "one-kept", "files")


def choose(dice, waiting, way=None):
    """Which of the waiting entries are kept, and of torn writes which sectors."""
    way = way or dice.choice(WAYS)
    if way == "lost" or not waiting:
        return {}
    if way == "kept":
        return {entry.seq: None for entry in waiting}
    one = dice.choice(waiting)
    if way == "prefix":
        kept = {entry.seq: None for entry in waiting if entry.seq < one.seq}
        return tear(dice, one, kept)
    if way == "one-lost":
        kept = {entry.seq: None for entry in waiting if entry is not one}
        return tear(dice, one, kept) if dice.random() < 0.5 else kept
    if way == "one-kept":
        return tear(dice, one, {}) if dice.random() < 0.5 else {one.seq: None}
    if way == "files":
        share = {entry.path: dice.random() < 0.5 for entry in waiting}
        return {entry.seq: None for entry in waiting if share[entry.path]}
    share, torn = dice.choice((0.1, 0.5, 0.9)), dice.choice((0, 0.2, 0.8))
    kept = {}
    for entry in waiting:
        if dice.random() < torn:
            tear(dice, entry, kept)
        elif dice.random() < share:
            kept[entry.seq] = None
    return kept


def tear(dice, entry, kept):
    """Keeps some sectors of a write, its beginning, its end, or any, and perhaps the length that it gave the file."""
    if entry.letter != "W":
        return kept
    count = sector_count(entry)
    cut = dice.randrange(count)
    sectors = sorted(dice.choice((range(cut), range(count - cut, count), dice.sample(range(count), cut))))
    if dice.random() < 0.5:
        sectors.append(LENGTH)
    if sectors:
        kept[entry.seq] = sectors
    return kept


def moments(entries):
    """Before which entries a crash is worth trying: each that changes the disk. What was answered by then is the most that ever can be."""
    return [entry.seq for entry in entries if entry.letter not in "AB"] + [len(entries)]


def spread(dice, entries, count):
    """`count` moments in order: all kinds of files and calls get the same share, whatever the journal does most of the time."""
    groups = {}
    for entry in entries:
        if entry.letter not in "AB":
            groups.setdefault((kind_of(entry.path), entry.letter), []).append(entry.seq)
    chosen = []
    for _ in range(count):
        group = dice.choice(sorted(groups))
        # Half of them anywhere.
        chosen.append(dice.choice(groups[group]) if dice.random() < 0.5 else dice.choice(entries).seq)
    after = moments(entries)
    return sorted(after[bisect.bisect_left(after, seq)] for seq in chosen)


def kind_of(path):
    for part, kind in ((".compact", "copy"), ("partitions", "partition"), ("journal", "journal"), ("vault", "vault"), ("audit", "audit")):
        if part in path:
            return kind
    return "other"


def same_as_folder(disk, root):
    """Whether everything that was recorded, together, is what lies there: a call that the recorder does not know would be missed."""
    image = disk.image({entry.seq: None for entry in disk.waiting()})
    differing = []
    there = {os.path.relpath(path, root): path for path in pathlib.Path(root).rglob("*")}
    for path in sorted(there.keys() | image.keys()):
        if path not in there or path not in image:
            differing.append(f"{path} is {'not there' if path not in there else 'not recorded'}")
        elif image[path] is not None and not path.endswith("-lock"):
            if there[path].read_bytes() != image[path][0] or stat.S_IMODE(there[path].stat().st_mode) != image[path][1]:
                differing.append(f"{path} differs")
    return differing
