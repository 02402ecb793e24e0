#ifndef MODEL_H
#define MODEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "SimulatedDisk.h"

/// A write or a change of the size that no sync has made durable.
struct entry {
    off_t at;        // of a change of the size: the new size
    size_t count;
    char *bytes;     // NULL: a change of the size
    bool forgotten;  // a sync of it failed
    bool is_synced;  // it was to be durable when the call returns, and the machine stopped in it
    struct entry *next;
};

struct file {
    ino_t inode;
    char *durable;      // NULL while all of it is durable
    off_t size, room;   // of `durable`
    struct entry *first, *last;
    int opened;
    bool is_unlinked;
    bool diverges;      // the cache shows what a failed sync has lost
    struct file *next;
};

enum name_change { MADE, MADE_FOLDER, RENAMED, LINKED, REMOVED };

/// A change of a folder that no sync of it has made durable.
struct name {
    enum name_change change;
    char *folder, *old, *new;
    char *buried;  // what had the name before; NULL: nothing
    bool is_drawn, stays;
    struct name *next, *previous;
};

struct handle {
    simdisk *disk;
    struct file *file;  // NULL: a folder
    char *path;
    ino_t inode;
    bool appends, is_synced;
};

enum { LINES = 60, LINE = 200 };

struct simdisk {
    char *root, *graveyard;
    size_t root_length;
    pthread_mutex_t lock;
    struct file *files;
    struct name *first, *last;
    uint64_t calls, digest, die_at, failed, graves;
    uint64_t counts[16];
    bool is_dead;
    unsigned fail_kinds;
    uint64_t fail_after;
    int fail_error;
    bool fail_forever;
    int64_t space;
    char *ignored;
    char trace[LINES][LINE];
    uint64_t lines;
};

enum { HANDLES = 65536, DISKS = 16 };
extern _Atomic(struct handle *) simdisk_handles[HANDLES];
extern _Atomic(simdisk *) simdisk_disks[DISKS];
extern atomic_int simdisk_count_of_disks;

/// The C library's own.
struct real {
    int (*open)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    int (*close)(int);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const void *, int);
    ssize_t (*pwritev)(int, const void *, int, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*ftruncate)(int, off_t);
    int (*truncate)(const char *, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*posix_fallocate)(int, off_t, off_t);
    int (*rename)(const char *, const char *);
    int (*link)(const char *, const char *);
    int (*unlink)(const char *);
    int (*rmdir)(const char *);
    int (*mkdir)(const char *, mode_t);
    int (*posix_fadvise)(int, off_t, off_t, int);
    int (*statvfs)(const char *, void *);
    int (*fstatvfs)(int, void *);
};
const struct real *simdisk_real(void);

/// The verdict on a call before it is made.
enum verdict { GOES, DIES, FAILS };

simdisk *simdisk_at(const char *path);
/// Counts the call. FAILS: errno says why, and nothing must be done. DIES: it is done in the cache, and fails.
enum verdict simdisk_begin(simdisk *disk, unsigned kind, const char *call, const char *path, off_t at, size_t count);

struct file *simdisk_file(simdisk *disk, ino_t inode);
/// Before the first write since a sync: remembers what is durable.
bool simdisk_remember(struct file *file, int descriptor);
void simdisk_note(struct file *file, off_t at, const void *bytes, size_t count);
void simdisk_apply(struct file *file, const struct entry *entry, size_t from, size_t to);
void simdisk_settle(struct file *file);
void simdisk_forget_syncs(struct file *file);
/// Writes what is durable to the file, by whatever name.
void simdisk_lay(const char *path, struct file *file);
void simdisk_drop_file(simdisk *disk, struct file *file);

void simdisk_note_name(simdisk *disk, enum name_change change, const char *old, const char *new, char *buried);
/// Gives what has the name another one, in the graveyard; NULL if nothing has it.
char *simdisk_bury(simdisk *disk, const char *path);
void simdisk_settle_names(simdisk *disk, const char *folder);
void simdisk_drop_name(simdisk *disk, struct name *name);

static inline int64_t simdisk_pages(off_t size) { return (size + 4095) / 4096 * 4096; }

#endif
