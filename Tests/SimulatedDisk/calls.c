#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "model.h"

// The C library's calls on descriptors, once more. Those on names are in `names.c`.

const struct real *simdisk_real(void) {
    static struct real real;
    static atomic_bool is_found;
    if (atomic_load_explicit(&is_found, memory_order_acquire)) return &real;
    // Whoever comes at the same time finds the same.
#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)
    FIND(open);
    FIND(openat);
    FIND(close);
    FIND(read);
    FIND(pread);
    FIND(write);
    FIND(pwrite);
    FIND(writev);
    FIND(pwritev);
    FIND(fsync);
    FIND(fdatasync);
    FIND(ftruncate);
    FIND(truncate);
    FIND(fallocate);
    FIND(posix_fallocate);
    FIND(rename);
    FIND(link);
    FIND(unlink);
    FIND(rmdir);
    FIND(mkdir);
    FIND(posix_fadvise);
    FIND(statvfs);
    FIND(fstatvfs);
    atomic_store_explicit(&is_found, true, memory_order_release);
    return &real;
}

static struct handle *handle_of(int descriptor) {
    if (atomic_load_explicit(&simdisk_count_of_disks, memory_order_acquire) == 0) return NULL;
    return descriptor >= 0 && descriptor < HANDLES ? simdisk_handles[descriptor] : NULL;
}

/// Of a file under a disk, locked; NULL: not ours.
static struct handle *locked(int descriptor) {
    struct handle *handle = handle_of(descriptor);
    if (handle) pthread_mutex_lock(&handle->disk->lock);
    return handle;
}

static int failed(simdisk *disk, int error) {
    pthread_mutex_unlock(&disk->lock);
    errno = error;
    return -1;
}

/// What a write past a file's end may have of the room that is left.
static ssize_t fitting(simdisk *disk, int descriptor, off_t at, size_t count) {
    struct stat status;
    if (disk->space < 0 || fstat(descriptor, &status)) return (ssize_t)count;
    int64_t growth = simdisk_pages(at + (off_t)count) - simdisk_pages(status.st_size);
    if (growth <= disk->space) {
        if (growth > 0) disk->space -= growth;
        return (ssize_t)count;
    }
    int64_t room = simdisk_pages(status.st_size) + disk->space / 4096 * 4096 - at;
    if (room <= 0) return -1;
    disk->space %= 4096;
    return (ssize_t)room;
}

/// What a file opened with O_DSYNC gets is durable at once, whatever was written to the same place before.
static void settle_write(struct file *file, off_t at, const char *bytes, size_t count) {
    struct entry entry = {.at = at, .count = count, .bytes = (char *)bytes};
    simdisk_apply(file, &entry, 0, count);
    for (struct entry *other = file->first; other; other = other->next) {
        if (!other->bytes) continue;
        off_t start = other->at > at ? other->at : at;
        off_t end = other->at + (off_t)other->count < at + (off_t)count ? other->at + (off_t)other->count : at + (off_t)count;
        if (start < end) memcpy(other->bytes + (start - other->at), bytes + (start - at), (size_t)(end - start));
    }
}

/// Where a sync was lost, a write makes its whole pages dirty again, with what the cache shows of them.
static void note_pages(struct file *file, int descriptor, off_t at, size_t count) {
    off_t start = at / 4096 * 4096, end = simdisk_pages(at + (off_t)count);
    char *pages = malloc((size_t)(end - start)), name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    int reader = simdisk_real()->open(name, O_RDONLY | O_CLOEXEC);
    ssize_t found = simdisk_real()->pread(reader, pages, (size_t)(end - start), start);
    if (found > 0) simdisk_note(file, start, pages, (size_t)found);
    simdisk_real()->close(reader);
    free(pages);
}

/// `at` less than 0: where the descriptor stands.
static ssize_t put(struct handle *handle, int descriptor, const void *bytes, size_t count, off_t at, const char *call) {
    simdisk *disk = handle->disk;
    bool moves = at < 0;
    if (moves) at = lseek(descriptor, 0, SEEK_CUR);
    if (handle->appends) at = lseek(descriptor, 0, SEEK_END);
    enum verdict verdict = simdisk_begin(disk, SIMDISK_WRITE, call, handle->path, at, count);
    if (verdict == FAILS) return failed(disk, errno);
    if (!simdisk_remember(handle->file, descriptor)) return failed(disk, EIO);
    ssize_t fit = fitting(disk, descriptor, at, count);
    if (fit < 0) return failed(disk, ENOSPC);
    ssize_t done = simdisk_real()->pwrite(descriptor, bytes, (size_t)fit, at);
    if (done < 0) return failed(disk, errno);
    if (handle->is_synced && verdict == GOES) settle_write(handle->file, at, bytes, (size_t)done);
    else if (handle->file->diverges) note_pages(handle->file, descriptor, at, (size_t)done);
    else simdisk_note(handle->file, at, bytes, (size_t)done);
    if (verdict == DIES && handle->is_synced) handle->file->last->is_synced = true;
    if (moves) lseek(descriptor, at + done, SEEK_SET);
    if (verdict == DIES) return failed(disk, EIO);
    pthread_mutex_unlock(&disk->lock);
    return done;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t at) {
    struct handle *handle = locked(descriptor);
    return handle ? put(handle, descriptor, bytes, count, at, "pwrite") : simdisk_real()->pwrite(descriptor, bytes, count, at);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t at) { return pwrite(descriptor, bytes, count, at); }

ssize_t write(int descriptor, const void *bytes, size_t count) {
    struct handle *handle = locked(descriptor);
    return handle ? put(handle, descriptor, bytes, count, -1, "write") : simdisk_real()->write(descriptor, bytes, count);
}

static ssize_t put_all(struct handle *handle, int descriptor, const struct iovec *parts, int count, off_t at, const char *call) {
    size_t length = 0, done = 0;
    for (int part = 0; part < count; part++) length += parts[part].iov_len;
    // O_DIRECT wants whole pages.
    char *bytes = aligned_alloc(4096, (length + 4096) / 4096 * 4096);
    for (int part = 0; part < count; done += parts[part++].iov_len) memcpy(bytes + done, parts[part].iov_base, parts[part].iov_len);
    ssize_t written = put(handle, descriptor, bytes, length, at, call);
    int error = errno;
    free(bytes);
    errno = error;
    return written;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    struct handle *handle = locked(descriptor);
    return handle ? put_all(handle, descriptor, parts, count, -1, "writev") : simdisk_real()->writev(descriptor, parts, count);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at) {
    struct handle *handle = locked(descriptor);
    return handle ? put_all(handle, descriptor, parts, count, at, "pwritev") : simdisk_real()->pwritev(descriptor, parts, count, at);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off_t at) { return pwritev(descriptor, parts, count, at); }

static bool may_read(struct handle *handle, size_t count, const char *call) {
    bool goes = simdisk_begin(handle->disk, SIMDISK_READ, call, handle->path, 0, count) != FAILS;
    int error = errno;
    pthread_mutex_unlock(&handle->disk->lock);
    errno = error;
    return goes;
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    struct handle *handle = locked(descriptor);
    if (handle && !may_read(handle, count, "read")) return -1;
    return simdisk_real()->read(descriptor, bytes, count);
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t at) {
    struct handle *handle = locked(descriptor);
    if (handle && !may_read(handle, count, "pread")) return -1;
    return simdisk_real()->pread(descriptor, bytes, count, at);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off_t at) { return pread(descriptor, bytes, count, at); }

static int settle(struct handle *handle, const char *call) {
    simdisk *disk = handle->disk;
    bool was_dead = disk->is_dead;
    enum verdict verdict = simdisk_begin(disk, SIMDISK_SYNC, call, handle->path, 0, 0);
    if (verdict != GOES) {
        int error = verdict == FAILS ? errno : EIO;
        // An interrupted one has said nothing yet, and is called again.
        if (verdict == FAILS && !was_dead && error != EINTR && handle->file) simdisk_forget_syncs(handle->file);
        return failed(disk, error);
    }
    if (disk->ignored && strstr(handle->path, disk->ignored) && !strcmp(call, "fdatasync")) {
    } else if (handle->file) {
        simdisk_settle(handle->file);
    } else {
        simdisk_settle_names(disk, handle->path);
    }
    pthread_mutex_unlock(&disk->lock);
    return 0;
}

int fsync(int descriptor) {
    struct handle *handle = locked(descriptor);
    return handle ? settle(handle, "fsync") : simdisk_real()->fsync(descriptor);
}

int fdatasync(int descriptor) {
    struct handle *handle = locked(descriptor);
    return handle ? settle(handle, "fdatasync") : simdisk_real()->fdatasync(descriptor);
}

static int resize(struct handle *handle, int descriptor, off_t size, const char *call) {
    simdisk *disk = handle->disk;
    enum verdict verdict = simdisk_begin(disk, SIMDISK_RESIZE, call, handle->path, size, 0);
    if (verdict == FAILS) return failed(disk, errno);
    struct stat status;
    if (fstat(descriptor, &status) || !simdisk_remember(handle->file, descriptor)) return failed(disk, EIO);
    int64_t growth = simdisk_pages(size) - simdisk_pages(status.st_size);
    if (disk->space >= 0 && growth > disk->space) return failed(disk, ENOSPC);
    if (simdisk_real()->ftruncate(descriptor, size)) return failed(disk, errno);
    if (disk->space >= 0) disk->space -= growth;
    simdisk_note(handle->file, size, NULL, 0);
    if (verdict == DIES) return failed(disk, EIO);
    pthread_mutex_unlock(&disk->lock);
    return 0;
}

int ftruncate(int descriptor, off_t size) {
    struct handle *handle = locked(descriptor);
    return handle ? resize(handle, descriptor, size, "ftruncate") : simdisk_real()->ftruncate(descriptor, size);
}

int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

/// Makes the file as long as that, if it is shorter: holes are no matter here.
static int allocate(struct handle *handle, int descriptor, off_t size, const char *call) {
    struct stat status;
    if (fstat(descriptor, &status) == 0 && size < status.st_size) size = status.st_size;
    return resize(handle, descriptor, size, call);
}

int posix_fallocate(int descriptor, off_t at, off_t count) {
    struct handle *handle = locked(descriptor);
    if (!handle) return simdisk_real()->posix_fallocate(descriptor, at, count);
    return allocate(handle, descriptor, at + count, "posix_fallocate") ? errno : 0;
}

int posix_fallocate64(int descriptor, off_t at, off_t count) { return posix_fallocate(descriptor, at, count); }

int fallocate(int descriptor, int mode, off_t at, off_t count) {
    struct handle *handle = locked(descriptor);
    if (!handle) return simdisk_real()->fallocate(descriptor, mode, at, count);
    // Nobody punches holes; whoever begins to must teach this disk first.
    if (mode) return failed(handle->disk, EOPNOTSUPP);
    return allocate(handle, descriptor, at + count, "fallocate");
}

int fallocate64(int descriptor, int mode, off_t at, off_t count) { return fallocate(descriptor, mode, at, count); }

/// What the cache shows although a sync of it failed goes from it, and what is read then is what the disk has.
int posix_fadvise(int descriptor, off_t at, off_t count, int advice) {
    struct handle *handle = locked(descriptor);
    if (!handle) return simdisk_real()->posix_fadvise(descriptor, at, count, advice);
    struct file *file = handle->file;
    if (file && advice == POSIX_FADV_DONTNEED && file->diverges && !file->first) {
        char name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
        simdisk_lay(name, file);
        file->diverges = false;
    }
    pthread_mutex_unlock(&handle->disk->lock);
    return 0;
}

int posix_fadvise64(int descriptor, off_t at, off_t count, int advice) { return posix_fadvise(descriptor, at, count, advice); }

int close(int descriptor) {
    struct handle *handle = locked(descriptor);
    if (handle) {
        simdisk *disk = handle->disk;
        struct file *file = handle->file;
        struct stat status;
        simdisk_handles[descriptor] = NULL;
        if (file && --file->opened == 0 && file->is_unlinked) {
            if (disk->space >= 0 && fstat(descriptor, &status) == 0) disk->space += simdisk_pages(status.st_size);
            file->is_unlinked = false;
        }
        pthread_mutex_unlock(&disk->lock);
        free(handle->path);
        free(handle);
    }
    return simdisk_real()->close(descriptor);
}

static void shrink(simdisk *disk, unsigned long frame, unsigned long *free, unsigned long *available) {
    if (disk->space < 0) return;
    *free = *available = (unsigned long)disk->space / frame;
}

int statvfs(const char *path, struct statvfs *status) {
    simdisk *disk = simdisk_at(path);
    int code = simdisk_real()->statvfs(path, status);
    if (!disk || code) return code;
    pthread_mutex_lock(&disk->lock);
    if (simdisk_begin(disk, SIMDISK_STATVFS, "statvfs", path, 0, 0) == FAILS) return failed(disk, errno);
    shrink(disk, status->f_frsize, &status->f_bfree, &status->f_bavail);
    pthread_mutex_unlock(&disk->lock);
    return 0;
}

int statvfs64(const char *path, struct statvfs64 *status) { return statvfs(path, (struct statvfs *)status); }

int fstatvfs(int descriptor, struct statvfs *status) {
    int code = simdisk_real()->fstatvfs(descriptor, status);
    struct handle *handle = locked(descriptor);
    if (!handle) return code;
    if (code == 0) shrink(handle->disk, status->f_frsize, &status->f_bfree, &status->f_bavail);
    pthread_mutex_unlock(&handle->disk->lock);
    return code;
}

int fstatvfs64(int descriptor, struct statvfs64 *status) { return fstatvfs(descriptor, (struct statvfs *)status); }
