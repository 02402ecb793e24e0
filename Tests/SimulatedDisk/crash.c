#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

// What a crash leaves: names first, then what is in the files that have one.

/// SplitMix64, as in TestSupport's SeededRandom.
static uint64_t next(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

static uint64_t below(uint64_t *state, uint64_t bound) { return next(state) % bound; }

static void remove_all(const char *folder) {
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char path[PATH_MAX];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) remove_all(path);
        else simdisk_real()->unlink(path);
    }
    if (entries) closedir(entries);
    simdisk_real()->rmdir(folder);
}

static void undo(struct name *name) {
    const struct real *real = simdisk_real();
    switch (name->change) {
    case MADE:
    case LINKED: real->unlink(name->new); break;
    case MADE_FOLDER: remove_all(name->new); break;
    case RENAMED: real->rename(name->new, name->old); break;
    case REMOVED: break;
    }
    if (name->buried) real->rename(name->buried, name->new);
    free(name->buried);
    name->buried = NULL;
}

/// Of a folder so many changes stay as come first.
static void draw(struct name *first, int survival, uint64_t *random) {
    uint64_t count = 0;
    for (struct name *name = first; name; name = name->next) count += !strcmp(name->folder, first->folder);
    uint64_t limit = survival == SIMDISK_NOTHING ? 0 : survival == SIMDISK_EVERYTHING ? count : below(random, count + 1);
    for (struct name *name = first; name; name = name->next) {
        if (strcmp(name->folder, first->folder)) continue;
        name->is_drawn = true;
        name->stays = limit > 0;
        if (limit) limit--;
    }
}

static void crash_names(simdisk *disk, int survival, uint64_t *random, simdisk_loss *loss) {
    for (struct name *name = disk->first; name; name = name->next)
        if (!name->is_drawn) draw(name, survival, random);
    for (struct name *name = disk->last, *previous; name; name = previous) {
        previous = name->previous;
        if (name->stays) loss->kept_names++;
        else loss->lost_names++;
        if (!name->stays) undo(name);
        simdisk_drop_name(disk, name);
    }
}

static void tear(struct file *file, struct entry *entry, uint64_t *random, int survival) {
    // Sectors are those of the disk, so a write that is not aligned has a shorter first one.
    for (size_t from = 0; from < entry->count;) {
        size_t to = from + 512 - (size_t)((entry->at + (off_t)from) % 512);
        if (to > entry->count) to = entry->count;
        bool stays = below(random, 2);
        if (!stays && survival == SIMDISK_PREFIX) return;
        if (stays) simdisk_apply(file, entry, from, to);
        from = to;
    }
}

static void crash_file(struct file *file, int survival, uint64_t *random, simdisk_loss *loss) {
    uint64_t count = 0, index = 0;
    for (struct entry *entry = file->first; entry; entry = entry->next) count++;
    uint64_t limit = survival == SIMDISK_PREFIX ? below(random, count + 1) : 0;
    // Now and then nearly all of it, or nearly nothing.
    uint64_t odds = 1 + below(random, 9);
    for (struct entry *entry = file->first; entry; entry = entry->next, index++) {
        bool stays = survival == SIMDISK_EVERYTHING || (survival == SIMDISK_PREFIX && index < limit)
            || (survival == SIMDISK_ANY && below(random, 10) < odds);
        bool tears = !entry->forgotten && entry->bytes
            && ((survival == SIMDISK_PREFIX && index == limit) || (survival == SIMDISK_ANY && below(random, 4) == 0));
        if (entry->forgotten) stays = false;
        if (tears) {
            tear(file, entry, random, survival);
            loss->torn_writes++;
        } else if (stays) {
            simdisk_apply(file, entry, 0, entry->count);
            loss->kept_writes++;
        } else {
            loss->lost_writes++;
        }
    }
}

static struct file *known(simdisk *disk, ino_t inode) {
    for (struct file *file = disk->files; file; file = file->next)
        if (file->inode == inode) return file;
    return NULL;
}

void simdisk_lay(const char *path, struct file *file) {
    int writer = simdisk_real()->open(path, O_WRONLY | O_CLOEXEC);
    if (writer < 0) {
        // A key that only its owner may read.
        chmod(path, 0600);
        writer = simdisk_real()->open(path, O_WRONLY | O_CLOEXEC);
    }
    if (writer < 0 || simdisk_real()->ftruncate(writer, file->size)) abort();
    for (off_t done = 0; done < file->size;) {
        ssize_t count = simdisk_real()->pwrite(writer, file->durable + done, (size_t)(file->size - done), done);
        if (count <= 0) abort();
        done += count;
    }
    simdisk_real()->close(writer);
}

static int by_name(const struct dirent **one, const struct dirent **other) { return strcmp((*one)->d_name, (*other)->d_name); }

/// In order of names, so that the same seed makes the same of it.
static void crash_folder(simdisk *disk, const char *folder, int survival, uint64_t *random, simdisk_loss *loss) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, by_name);
    for (int index = 0; index < count; index++) {
        const char *name = entries[index]->d_name;
        char path[PATH_MAX];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        bool is_own = strcmp(name, ".") && strcmp(name, "..") && lstat(path, &status) == 0;
        if (is_own && S_ISDIR(status.st_mode)) crash_folder(disk, path, survival, random, loss);
        struct file *file = is_own && S_ISREG(status.st_mode) ? known(disk, status.st_ino) : NULL;
        if (file && (file->first || file->diverges)) {
            crash_file(file, survival, random, loss);
            simdisk_lay(path, file);
            // Under its second name, if it has one, it is the same already.
            simdisk_drop_file(disk, file);
        }
        free(entries[index]);
    }
    if (count >= 0) free(entries);
}

/// The files are laid anew under whoever has them open, and LMDB has them mapped.
static void check_closed(simdisk *disk) {
    for (int number = 0; number < HANDLES; number++) {
        struct handle *handle = simdisk_handles[number];
        if (!handle || handle->disk != disk) continue;
        fprintf(stderr, "crashed while %s is open\n", handle->path);
        abort();
    }
}

static void revive(simdisk *disk) {
    disk->is_dead = false;
    disk->die_at = 0;
    disk->fail_kinds = 0;
}

void simdisk_revive(simdisk *disk) {
    pthread_mutex_lock(&disk->lock);
    // The kernel ends the call in which a process is killed.
    for (struct file *file = disk->files; file; file = file->next)
        for (struct entry *entry = file->first; entry; entry = entry->next)
            if (entry->is_synced) simdisk_apply(file, entry, 0, entry->count);
    revive(disk);
    pthread_mutex_unlock(&disk->lock);
}

simdisk_loss simdisk_crash(simdisk *disk, int survival, uint64_t seed) {
    simdisk_loss loss = {0};
    uint64_t random = seed;
    pthread_mutex_lock(&disk->lock);
    check_closed(disk);
    crash_names(disk, survival, &random, &loss);
    crash_folder(disk, disk->root, survival, &random, &loss);
    while (disk->files) simdisk_drop_file(disk, disk->files);
    revive(disk);
    pthread_mutex_unlock(&disk->lock);
    return loss;
}
