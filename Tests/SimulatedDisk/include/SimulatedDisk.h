/// A disk that forgets, tears, fails and fills up, under a folder of this process.
///
/// The C library's calls that change files are defined once more in `calls.c`. The linker lets the program's own definition win, for
/// shared libraries too, so liblmdb's writes come through here as Swift's do. Outside of the folders that are registered every call is
/// handed to the C library.
///
/// The real files hold what a running system sees: the cache. Beside them is remembered what the disk is sure to have: of each file its
/// bytes at the last sync and the writes since then, of each folder the names at its last sync and what was done to them since then.
/// `simdisk_crash` makes one of the many states that a crash may leave out of that, and puts it in the place of the files.
#ifndef SIMULATED_DISK_H
#define SIMULATED_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct simdisk simdisk;

/// Kinds of calls, as a set.
enum {
    SIMDISK_OPEN = 1,      // open, openat, creat
    SIMDISK_READ = 2,      // read, pread
    SIMDISK_WRITE = 4,     // write, pwrite, writev, pwritev
    SIMDISK_SYNC = 8,      // fsync, fdatasync, also of folders
    SIMDISK_RESIZE = 16,   // ftruncate, truncate, fallocate, posix_fallocate
    SIMDISK_RENAME = 32,   // rename, link
    SIMDISK_UNLINK = 64,   // unlink, rmdir
    SIMDISK_MAKE = 128,    // mkdir, and an open that makes a file
    SIMDISK_STATVFS = 256,
    SIMDISK_ALL = 511,
};

/// What a crash leaves of the writes that were not synced.
enum {
    SIMDISK_NOTHING = 0,
    SIMDISK_EVERYTHING = 1,
    SIMDISK_PREFIX = 2,    // of each file, and of each folder, what came first; the last one torn at a sector
    SIMDISK_ANY = 3,       // of each file any of them, or any sectors of them; of each folder what came first
};

/// Both folders must be there, on one file system, by their names without symbolic links. Nothing in `root` may be open.
simdisk *simdisk_create(const char *root, const char *graveyard);
/// Forgets the disk; the files stay as they are.
void simdisk_destroy(simdisk *disk);

/// How many calls have changed something, or tried to. Reads and the like are not counted.
uint64_t simdisk_calls(simdisk *disk);
/// Of all of them: which call, on which file, where.
uint64_t simdisk_digest(simdisk *disk);
/// The last calls as text, a line each. Returns the length that there would be.
size_t simdisk_trace(simdisk *disk, char *text, size_t room);
/// How many calls of a kind there were: to see that a library's calls come through.
uint64_t simdisk_count(simdisk *disk, unsigned kind);

/// At the call of this number the machine stops: the call may be half done, and each one behind it fails with EIO and changes nothing.
void simdisk_die_at(simdisk *disk, uint64_t call);
bool simdisk_is_dead(simdisk *disk);

/// Lets calls of these kinds fail with `error`, after `after` more of them went well: one, or all from there on. A failed sync has lost
/// what it was to make durable: the cache shows it, and no later sync writes it, unless its page is written to again (as Linux does).
void simdisk_fail(simdisk *disk, unsigned kinds, uint64_t after, int error, bool forever);
/// How many calls have failed so.
uint64_t simdisk_failed(simdisk *disk);

/// Room for so many bytes more; less than 0: no bound.
void simdisk_set_space(simdisk *disk, int64_t bytes);
int64_t simdisk_space(simdisk *disk);

/// A disk that lies: fdatasync of a file whose path has this in it does nothing. NULL: none. To prove that the tests see it.
void simdisk_ignore_syncs(simdisk *disk, const char *part);

/// The process was killed and the machine goes on: what is cached stays, and what was not synced is as unsure as before. The disk lives
/// again.
void simdisk_revive(simdisk *disk);

/// Whether a file has these bytes anywhere. False, too, if it cannot be read.
bool simdisk_contains(const char *path, const void *bytes, size_t count);

/// What a crash did.
typedef struct {
    uint64_t lost_writes, torn_writes, kept_writes, lost_names, kept_names;
} simdisk_loss;

/// Puts one of the states that a crash may leave in the place of the files, and lets the disk live again. Nothing may be open.
simdisk_loss simdisk_crash(simdisk *disk, int survival, uint64_t seed);

#endif
