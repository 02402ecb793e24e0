#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

// What is in files. The caller holds the disk's lock.

struct file *simdisk_file(simdisk *disk, ino_t inode) {
    // Memory file systems give each inode a number of its own, so one that is found again is the same file.
    for (struct file *file = disk->files; file; file = file->next)
        if (file->inode == inode) return file;
    struct file *file = calloc(1, sizeof *file);
    file->inode = inode;
    file->next = disk->files;
    disk->files = file;
    return file;
}

static void make_room(struct file *file, off_t size) {
    if (size <= file->room && file->durable) return;
    off_t room = file->room ? file->room : 4096;
    while (room < size) room *= 2;
    file->durable = realloc(file->durable, (size_t)room);
    file->room = room;
}

bool simdisk_remember(struct file *file, int descriptor) {
    if (file->durable) return true;
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    int reader = simdisk_real()->open(name, O_RDONLY | O_CLOEXEC);
    if (reader < 0) return false;
    struct stat status;
    bool is_read = fstat(reader, &status) == 0;
    off_t done = 0;
    if (is_read) make_room(file, status.st_size);
    while (is_read && done < status.st_size) {
        ssize_t count = simdisk_real()->pread(reader, file->durable + done, (size_t)(status.st_size - done), done);
        if (count <= 0) is_read = false;
        else done += count;
    }
    file->size = done;
    simdisk_real()->close(reader);
    return is_read;
}

void simdisk_note(struct file *file, off_t at, const void *bytes, size_t count) {
    struct entry *entry = calloc(1, sizeof *entry);
    entry->at = at;
    entry->count = count;
    if (bytes) {
        entry->bytes = malloc(count ? count : 1);
        memcpy(entry->bytes, bytes, count);
    }
    if (file->last) file->last->next = entry;
    else file->first = entry;
    file->last = entry;
}

static void resize(struct file *file, off_t size) {
    make_room(file, size);
    if (size > file->size) memset(file->durable + file->size, 0, (size_t)(size - file->size));
    file->size = size;
}

/// Writes a part of an entry, or all of it, to what is durable.
void simdisk_apply(struct file *file, const struct entry *entry, size_t from, size_t to) {
    if (!entry->bytes) return resize(file, entry->at);
    if (from >= to) return;
    off_t end = entry->at + (off_t)to;
    if (end > file->size) resize(file, end);
    memcpy(file->durable + entry->at + from, entry->bytes + from, to - from);
}

static void drop_first(struct file *file) {
    struct entry *entry = file->first;
    file->first = entry->next;
    if (!file->first) file->last = NULL;
    free(entry->bytes);
    free(entry);
}

/// All that was written is durable now.
void simdisk_settle(struct file *file) {
    // What a failed sync forgot stays in the cache alone: it is dropped, and the durable bytes go on without it.
    for (; file->first; drop_first(file)) {
        if (!file->first->forgotten) simdisk_apply(file, file->first, 0, file->first->count);
    }
}

void simdisk_forget_syncs(struct file *file) {
    for (struct entry *entry = file->first; entry; entry = entry->next) {
        entry->forgotten = entry->bytes != NULL;
        file->diverges = true;
    }
}

void simdisk_drop_file(simdisk *disk, struct file *file) {
    while (file->first) drop_first(file);
    for (struct file **link = &disk->files; *link; link = &(*link)->next)
        if (*link == file) {
            *link = file->next;
            break;
        }
    free(file->durable);
    free(file);
}

// Names. Each change belongs to the folder that a sync of makes it durable.

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, (size_t)(slash - path));
    char *whole = realpath(folder, NULL);
    if (!whole) return folder;
    free(folder);
    return whole;
}

void simdisk_note_name(simdisk *disk, enum name_change change, const char *old, const char *new, char *buried) {
    struct name *name = calloc(1, sizeof *name);
    name->change = change;
    name->old = old ? strdup(old) : NULL;
    name->new = strdup(new);
    name->folder = folder_of(new);
    name->buried = buried;
    name->previous = disk->last;
    if (disk->last) disk->last->next = name;
    else disk->first = name;
    disk->last = name;
}

char *simdisk_bury(simdisk *disk, const char *path) {
    char *grave = NULL;
    if (asprintf(&grave, "%s/%llu", disk->graveyard, (unsigned long long)++disk->graves) < 0) abort();
    if (simdisk_real()->link(path, grave) == 0) return grave;
    free(grave);
    return NULL;
}

void simdisk_drop_name(simdisk *disk, struct name *name) {
    if (name->previous) name->previous->next = name->next;
    else disk->first = name->next;
    if (name->next) name->next->previous = name->previous;
    else disk->last = name->previous;
    if (name->buried) simdisk_real()->unlink(name->buried);
    free(name->buried);
    free(name->folder);
    free(name->old);
    free(name->new);
    free(name);
}

void simdisk_settle_names(simdisk *disk, const char *folder) {
    for (struct name *name = disk->first, *next; name; name = next) {
        next = name->next;
        if (!strcmp(name->folder, folder)) simdisk_drop_name(disk, name);
    }
}

bool simdisk_contains(const char *path, const void *bytes, size_t count) {
    struct stat status;
    int reader = simdisk_real()->open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0) return false;
    bool is_there = false;
    if (fstat(reader, &status) == 0 && status.st_size > 0) {
        char *text = malloc((size_t)status.st_size);
        ssize_t found = simdisk_real()->pread(reader, text, (size_t)status.st_size, 0);
        is_there = found > 0 && memmem(text, (size_t)found, bytes, count);
        free(text);
    }
    simdisk_real()->close(reader);
    return is_there;
}
