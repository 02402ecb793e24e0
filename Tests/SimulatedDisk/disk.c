#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

_Atomic(struct handle *) simdisk_handles[HANDLES];
_Atomic(simdisk *) simdisk_disks[DISKS];
atomic_int simdisk_count_of_disks;

/// Other threads look through the disks at each call on a name, to find that it is on none of them.
static pthread_rwlock_t disks_lock = PTHREAD_RWLOCK_INITIALIZER;

simdisk *simdisk_create(const char *root, const char *graveyard) {
    simdisk *disk = calloc(1, sizeof *disk);
    disk->root = strdup(root);
    disk->root_length = strlen(root);
    disk->graveyard = strdup(graveyard);
    disk->space = -1;
    disk->digest = 14695981039346656037u;
    pthread_mutex_init(&disk->lock, NULL);
    for (int place = 0; place < DISKS; place++) {
        simdisk *none = NULL;
        if (!atomic_compare_exchange_strong(&simdisk_disks[place], &none, disk)) continue;
        atomic_fetch_add(&simdisk_count_of_disks, 1);
        return disk;
    }
    abort();
}

void simdisk_destroy(simdisk *disk) {
    pthread_rwlock_wrlock(&disks_lock);
    for (int place = 0; place < DISKS; place++) {
        simdisk *own = disk;
        if (atomic_compare_exchange_strong(&simdisk_disks[place], &own, NULL)) atomic_fetch_sub(&simdisk_count_of_disks, 1);
    }
    pthread_rwlock_unlock(&disks_lock);
    // What is still open then is a file like any other.
    for (int number = 0; number < HANDLES; number++) {
        struct handle *handle = simdisk_handles[number];
        if (!handle || handle->disk != disk) continue;
        simdisk_handles[number] = NULL;
        free(handle->path);
        free(handle);
    }
    while (disk->first) simdisk_drop_name(disk, disk->first);
    while (disk->files) simdisk_drop_file(disk, disk->files);
    free(disk->root);
    free(disk->graveyard);
    free(disk->ignored);
    free(disk);
}

static bool is_in(const char *path, const simdisk *disk) {
    if (strncmp(path, disk->root, disk->root_length)) return false;
    return !path[disk->root_length] || path[disk->root_length] == '/';
}

simdisk *simdisk_at(const char *path) {
    if (!path || atomic_load_explicit(&simdisk_count_of_disks, memory_order_acquire) == 0) return NULL;
    // Locks are the kernel's, and what is in their files means nothing.
    size_t length = strlen(path);
    if (length > 5 && (!strcmp(path + length - 5, "-lock") || !strcmp(path + length - 5, "/LOCK"))) return NULL;
    simdisk *found = NULL;
    pthread_rwlock_rdlock(&disks_lock);
    for (int place = 0; place < DISKS && !found; place++) {
        simdisk *disk = simdisk_disks[place];
        if (disk && is_in(path, disk)) found = disk;
    }
    pthread_rwlock_unlock(&disks_lock);
    return found;
}

static void mix(simdisk *disk, const void *bytes, size_t count) {
    for (size_t index = 0; index < count; index++) disk->digest = (disk->digest ^ ((const unsigned char *)bytes)[index]) * 1099511628211u;
}

static void trace(simdisk *disk, const char *call, const char *path, off_t at, size_t count, const char *end) {
    const char *name = strncmp(path, disk->root, disk->root_length) ? path : path + disk->root_length;
    snprintf(disk->trace[disk->lines++ % LINES], LINE, "%llu %s %s %lld+%zu%s", (unsigned long long)disk->calls, call, name, (long long)at,
             count, end);
}

static bool is_counted(unsigned kind) { return !(kind & (SIMDISK_READ | SIMDISK_STATVFS | SIMDISK_OPEN)); }

enum verdict simdisk_begin(simdisk *disk, unsigned kind, const char *call, const char *path, off_t at, size_t count) {
    disk->counts[__builtin_ctz(kind)]++;
    if (is_counted(kind)) {
        disk->calls++;
        mix(disk, call, strlen(call));
        mix(disk, path + disk->root_length, strlen(path + disk->root_length));
        mix(disk, &at, sizeof at);
        mix(disk, &count, sizeof count);
        if (disk->is_dead) {
            errno = EIO;
            return FAILS;
        }
        if (disk->die_at && disk->calls >= disk->die_at) {
            disk->is_dead = true;
            trace(disk, call, path, at, count, ": the machine stops");
            return DIES;
        }
    }
    if (disk->fail_kinds & kind && !disk->is_dead) {
        if (disk->fail_after) {
            disk->fail_after--;
        } else {
            disk->failed++;
            if (!disk->fail_forever) disk->fail_kinds = 0;
            errno = disk->fail_error;
            trace(disk, call, path, at, count, ": fails");
            errno = disk->fail_error;
            return FAILS;
        }
    }
    if (is_counted(kind)) trace(disk, call, path, at, count, "");
    return GOES;
}

#define LOCKED(disk, value)                    \
    pthread_mutex_lock(&(disk)->lock);         \
    __typeof__(value) found = (value);         \
    pthread_mutex_unlock(&(disk)->lock);       \
    return found

uint64_t simdisk_calls(simdisk *disk) { LOCKED(disk, disk->calls); }
uint64_t simdisk_digest(simdisk *disk) { LOCKED(disk, disk->digest); }
uint64_t simdisk_failed(simdisk *disk) { LOCKED(disk, disk->failed); }
bool simdisk_is_dead(simdisk *disk) { LOCKED(disk, disk->is_dead); }
int64_t simdisk_space(simdisk *disk) { LOCKED(disk, disk->space); }
uint64_t simdisk_count(simdisk *disk, unsigned kind) { LOCKED(disk, disk->counts[__builtin_ctz(kind)]); }

void simdisk_die_at(simdisk *disk, uint64_t call) {
    pthread_mutex_lock(&disk->lock);
    disk->die_at = call;
    pthread_mutex_unlock(&disk->lock);
}

void simdisk_fail(simdisk *disk, unsigned kinds, uint64_t after, int error, bool forever) {
    pthread_mutex_lock(&disk->lock);
    disk->fail_kinds = kinds;
    disk->fail_after = after;
    disk->fail_error = error;
    disk->fail_forever = forever;
    pthread_mutex_unlock(&disk->lock);
}

void simdisk_set_space(simdisk *disk, int64_t bytes) {
    pthread_mutex_lock(&disk->lock);
    disk->space = bytes;
    pthread_mutex_unlock(&disk->lock);
}

void simdisk_ignore_syncs(simdisk *disk, const char *part) {
    pthread_mutex_lock(&disk->lock);
    free(disk->ignored);
    disk->ignored = part ? strdup(part) : NULL;
    pthread_mutex_unlock(&disk->lock);
}

size_t simdisk_trace(simdisk *disk, char *text, size_t room) {
    pthread_mutex_lock(&disk->lock);
    size_t length = 0;
    uint64_t start = disk->lines > LINES ? disk->lines - LINES : 0;
    for (uint64_t line = start; line < disk->lines; line++) {
        const char *own = disk->trace[line % LINES];
        size_t count = strlen(own);
        if (length + count + 2 <= room) {
            memcpy(text + length, own, count);
            text[length + count] = '\n';
            text[length + count + 1] = 0;
        }
        length += count + 1;
    }
    pthread_mutex_unlock(&disk->lock);
    return length;
}
