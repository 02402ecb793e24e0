#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

// The C library's calls on names, once more.

static int failed(simdisk *disk, int error) {
    pthread_mutex_unlock(&disk->lock);
    errno = error;
    return -1;
}

static int done(simdisk *disk, enum verdict verdict) {
    if (verdict == DIES) return failed(disk, EIO);
    pthread_mutex_unlock(&disk->lock);
    return 0;
}

/// Takes a new descriptor in. The kernel gives numbers again that were closed by the C library itself.
static void adopt(simdisk *disk, int descriptor, const char *path, int flags) {
    struct stat status;
    if (descriptor < 0 || descriptor >= HANDLES || fstat(descriptor, &status)) return;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return;
    struct handle *handle = calloc(1, sizeof *handle);
    handle->disk = disk;
    handle->inode = status.st_ino;
    handle->appends = flags & O_APPEND;
    handle->is_synced = flags & (O_DSYNC | O_SYNC);
    if (S_ISREG(status.st_mode)) {
        handle->file = simdisk_file(disk, status.st_ino);
        handle->file->opened++;
        handle->path = strdup(path);
    } else {
        handle->path = realpath(path, NULL);
        if (!handle->path) handle->path = strdup(path);
    }
    simdisk_handles[descriptor] = handle;
}

static void forget(int descriptor) {
    if (descriptor < 0 || descriptor >= HANDLES || !simdisk_handles[descriptor]) return;
    struct handle *handle = atomic_exchange(&simdisk_handles[descriptor], NULL);
    if (!handle) return;
    free(handle->path);
    free(handle);
}

static void note_made(simdisk *disk, int descriptor, const char *path) {
    struct stat status;
    // What had the number before is gone for good.
    if (fstat(descriptor, &status) == 0) simdisk_drop_file(disk, simdisk_file(disk, status.st_ino));
    simdisk_note_name(disk, MADE, NULL, path, NULL);
}

static int open_at(simdisk *disk, const char *path, int flags, mode_t mode) {
    pthread_mutex_lock(&disk->lock);
    struct stat status;
    bool is_there = stat(path, &status) == 0;
    bool makes = flags & O_CREAT && !is_there;
    bool empties = flags & O_TRUNC && is_there && status.st_size > 0;
    enum verdict verdict = simdisk_begin(disk, SIMDISK_OPEN, "open", path, flags, 0);
    if (verdict == GOES && makes) verdict = simdisk_begin(disk, SIMDISK_MAKE, "open (makes)", path, 0, 0);
    if (verdict == GOES && empties) verdict = simdisk_begin(disk, SIMDISK_RESIZE, "open (empties)", path, 0, 0);
    if (verdict == FAILS) return failed(disk, errno);
    if (empties) {
        int reader = simdisk_real()->open(path, O_RDONLY | O_CLOEXEC);
        struct file *file = simdisk_file(disk, status.st_ino);
        bool is_read = reader >= 0 && simdisk_remember(file, reader);
        if (reader >= 0) simdisk_real()->close(reader);
        if (!is_read) return failed(disk, EIO);
        simdisk_note(file, 0, NULL, 0);
        if (disk->space >= 0) disk->space += simdisk_pages(status.st_size);
    }
    int descriptor = simdisk_real()->open(path, flags, mode);
    int error = errno;
    if (descriptor >= 0) forget(descriptor);
    if (descriptor >= 0 && makes) note_made(disk, descriptor, path);
    if (descriptor >= 0 && verdict == DIES) {
        simdisk_real()->close(descriptor);
        return failed(disk, EIO);
    }
    adopt(disk, descriptor, path, flags);
    pthread_mutex_unlock(&disk->lock);
    errno = error;
    return descriptor;
}

#define MODE(last)                                   \
    mode_t mode = 0;                                 \
    if (flags & (O_CREAT | O_TMPFILE)) {             \
        va_list rest;                                \
        va_start(rest, last);                        \
        mode = (mode_t)va_arg(rest, unsigned);       \
        va_end(rest);                                \
    }

static int open_any(const char *path, int flags, mode_t mode) {
    simdisk *disk = simdisk_at(path);
    if (disk) return open_at(disk, path, flags, mode);
    int descriptor = simdisk_real()->open(path, flags, mode);
    if (atomic_load(&simdisk_count_of_disks)) forget(descriptor);
    return descriptor;
}

int open(const char *path, int flags, ...) {
    MODE(flags)
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return open_any(path, flags, mode);
}

int creat(const char *path, mode_t mode) { return open_any(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static int openat_any(int folder, const char *path, int flags, mode_t mode) {
    if (path && path[0] == '/') return open_any(path, flags, mode);
    struct handle *handle = folder >= 0 && folder < HANDLES ? simdisk_handles[folder] : NULL;
    if (handle) {
        char whole[PATH_MAX];
        snprintf(whole, sizeof whole, "%s/%s", handle->path, path);
        return open_any(whole, flags, mode);
    }
    int descriptor = simdisk_real()->openat(folder, path, flags, mode);
    if (atomic_load(&simdisk_count_of_disks)) forget(descriptor);
    return descriptor;
}

int openat(int folder, const char *path, int flags, ...) {
    MODE(flags)
    return openat_any(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags)
    return openat_any(folder, path, flags, mode);
}

int mkdir(const char *path, mode_t mode) {
    simdisk *disk = simdisk_at(path);
    struct stat status;
    // One that is there already changes nothing.
    if (!disk || stat(path, &status) == 0) return simdisk_real()->mkdir(path, mode);
    pthread_mutex_lock(&disk->lock);
    enum verdict verdict = simdisk_begin(disk, SIMDISK_MAKE, "mkdir", path, 0, 0);
    if (verdict == FAILS || simdisk_real()->mkdir(path, mode)) return failed(disk, errno);
    simdisk_note_name(disk, MADE_FOLDER, NULL, path, NULL);
    return done(disk, verdict);
}

/// Gives back the room of what has lost its last name, now or when it is closed.
static void release(simdisk *disk, const struct stat *status) {
    if (status->st_nlink != 1) return;
    struct file *file = simdisk_file(disk, status->st_ino);
    if (file->opened) file->is_unlinked = true;
    else if (disk->space >= 0) disk->space += simdisk_pages(status->st_size);
}

int unlink(const char *path) {
    simdisk *disk = simdisk_at(path);
    struct stat status;
    if (!disk || lstat(path, &status)) return simdisk_real()->unlink(path);
    pthread_mutex_lock(&disk->lock);
    enum verdict verdict = simdisk_begin(disk, SIMDISK_UNLINK, "unlink", path, 0, 0);
    if (verdict == FAILS) return failed(disk, errno);
    char *buried = simdisk_bury(disk, path);
    if (!buried || simdisk_real()->unlink(path)) return failed(disk, EIO);
    simdisk_note_name(disk, REMOVED, NULL, path, buried);
    release(disk, &status);
    return done(disk, verdict);
}

int rmdir(const char *path) {
    simdisk *disk = simdisk_at(path);
    if (!disk) return simdisk_real()->rmdir(path);
    // Nobody removes folders of an archive; whoever begins to must teach this disk first.
    errno = EOPNOTSUPP;
    return -1;
}

int rename(const char *old, const char *new) {
    simdisk *disk = simdisk_at(old);
    struct stat status;
    if (!disk || disk != simdisk_at(new) || lstat(old, &status)) return simdisk_real()->rename(old, new);
    pthread_mutex_lock(&disk->lock);
    enum verdict verdict = simdisk_begin(disk, SIMDISK_RENAME, "rename", new, 0, 0);
    if (verdict == FAILS) return failed(disk, errno);
    bool replaces = lstat(new, &status) == 0;
    char *buried = replaces ? simdisk_bury(disk, new) : NULL;
    if (simdisk_real()->rename(old, new)) return failed(disk, errno);
    simdisk_note_name(disk, RENAMED, old, new, buried);
    if (replaces) release(disk, &status);
    return done(disk, verdict);
}

int link(const char *old, const char *new) {
    simdisk *disk = simdisk_at(new);
    if (!disk) return simdisk_real()->link(old, new);
    pthread_mutex_lock(&disk->lock);
    enum verdict verdict = simdisk_begin(disk, SIMDISK_RENAME, "link", new, 0, 0);
    if (verdict == FAILS || simdisk_real()->link(old, new)) return failed(disk, errno);
    simdisk_note_name(disk, LINKED, NULL, new, NULL);
    return done(disk, verdict);
}
