/* Records what a process does to the files below some folders, and what it says on its sockets, in one order.
 *
 * Preloaded. RECORDER_ROOTS names the folders (colons between them), RECORDER_LOG the file that the records are appended to.
 * "Do the call and log it" is under one mutex, so the order of the log is the order of the calls. Syncs are an exception: their
 * beginning and their end are logged and others go on meanwhile, since only what was written before the beginning is sure at the end.
 * What is written through a mapping is not seen: LMDB does that to its lock files alone, whose content no crash needs.
 * images.py reads the log; the two agree on `struct entry` and on the letters. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 1 << 16, DSYNC = 1, CREATED = 2, TRUNCATED = 4 };

struct entry {
    uint32_t letter, flags;
    uint64_t inode, a, b;
    uint32_t path, other, data, process;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static uint64_t syncs;
static const char *roots;
/* The path of a folder or file below the roots, by its descriptor; null for all others. */
static char *paths[FILES];
static unsigned char is_dsync[FILES];

#define EXPORTED __attribute__((visibility("default")))

static void give_up(const char *why) {
    dprintf(2, "recorder: %s: %s\n", why, strerror(errno));
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("RECORDER_LOG");
    roots = getenv("RECORDER_ROOTS");
    if (!path || !roots) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) give_up(path);
    log_file = fcntl(file, F_DUPFD_CLOEXEC, 700);  /* Out of the way of descriptors that are told by number. */
    if (log_file < 0) give_up(path);
    syscall(SYS_close, file);
}

static void write_whole(struct iovec *parts, int count) {
    while (count) {
        ssize_t done = syscall(SYS_writev, log_file, parts, count);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) give_up("cannot write the log");
        while (count && (size_t)done >= parts->iov_len) done -= (ssize_t)parts->iov_len, parts++, count--;
        if (count) parts->iov_base = (char *)parts->iov_base + done, parts->iov_len -= (size_t)done;
    }
}

/* Appends an entry. With the mutex held. `errno` is the caller's afterwards. */
static void note(struct entry entry, const char *path, const char *other, const struct iovec *data, size_t length) {
    int saved = errno;
    struct iovec parts[IOV_MAX + 3];
    int count = 3;
    entry.path = path ? (uint32_t)strlen(path) : 0;
    entry.other = other ? (uint32_t)strlen(other) : 0;
    entry.data = (uint32_t)length;
    entry.process = (uint32_t)getpid();
    parts[0] = (struct iovec){&entry, sizeof entry};
    parts[1] = (struct iovec){(void *)path, entry.path};
    parts[2] = (struct iovec){(void *)other, entry.other};
    for (; length; data++) {
        size_t part = data->iov_len < length ? data->iov_len : length;
        parts[count++] = (struct iovec){data->iov_base, part};
        length -= part;
    }
    write_whole(parts, count);
    errno = saved;
}

/* The absolute path without `.`, `..` and doubled slashes; folders are never renamed here, so words are enough. */
static int normalize(int folder, const char *path, char *out) {
    char whole[2 * PATH_MAX];
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else if (folder != AT_FDCWD && folder >= 0 && folder < FILES && paths[folder]) snprintf(whole, sizeof whole, "%s/%s", paths[folder], path);
    else if (folder == AT_FDCWD && getcwd(out, PATH_MAX)) snprintf(whole, sizeof whole, "%s/%s", out, path);
    else return 0;
    size_t end = 0;
    for (char *save, *word = strtok_r(whole, "/", &save); word; word = strtok_r(NULL, "/", &save)) {
        if (!strcmp(word, ".")) continue;
        if (!strcmp(word, "..")) while (end && out[--end] != '/') {}
        else end += (size_t)snprintf(out + end, PATH_MAX - end, "/%s", word);
        if (end >= PATH_MAX) return 0;
    }
    out[end] = 0;
    return 1;
}

/* Whether the path lies in one of the roots, or is one. */
static int is_recorded(int folder, const char *path, char *out) {
    int saved = errno, found = 0;
    if (log_file >= 0 && path && normalize(folder, path, out))
        for (const char *root = roots; !found && *root;) {
            size_t length = strcspn(root, ":");
            found = !strncmp(out, root, length) && (out[length] == '/' || out[length] == 0);
            root += length + (root[length] == ':');
        }
    errno = saved;
    return found;
}

static void forget(int file) {
    if (file < 0 || file >= FILES) return;
    free(paths[file]);
    paths[file] = NULL;
}

/* The file behind a descriptor, if it is recorded: a number may have been used again by a call that nobody preloads. */
static int is_file(int file, struct stat *found) {
    if (log_file < 0 || file < 0 || file >= FILES) return 0;
    int saved = errno, fine = paths[file] && fstat(file, found) == 0 && (S_ISREG(found->st_mode) || S_ISDIR(found->st_mode));
    errno = saved;
    return fine;
}

static int is_socket(int file) {
    struct stat found;
    int saved = errno, fine = log_file >= 0 && fstat(file, &found) == 0 && S_ISSOCK(found.st_mode);
    errno = saved;
    return fine;
}

/* ---- Opening and closing ---- */

static int open_and_note(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    pthread_mutex_lock(&mutex);
    struct stat before, after;
    int recorded = is_recorded(folder, path, full);
    int was_there = recorded && fstatat(folder, path, &before, 0) == 0;
    int file = (int)syscall(SYS_openat, folder, path, flags, mode);
    forget(file);
    if (file >= 0 && recorded && fstat(file, &after) == 0) {
        if (file >= FILES) give_up("too many files");
        paths[file] = strdup(full);
        is_dsync[file] = (flags & O_DSYNC) != 0;
        struct entry entry = {.letter = 'O', .inode = after.st_ino, .a = after.st_mode};
        if (!was_there) entry.flags = CREATED;
        else if (flags & O_TRUNC) entry.flags = TRUNCATED;
        if (entry.flags) note(entry, full, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
    return file;
}

static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; }

#define OPEN(name) \
    EXPORTED int name(const char *path, int flags, ...) { \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = mode_of(flags, list); \
        va_end(list); \
        return open_and_note(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name) \
    EXPORTED int name(int folder, const char *path, int flags, ...) { \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = mode_of(flags, list); \
        va_end(list); \
        return open_and_note(folder, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

EXPORTED int creat(const char *path, mode_t mode) { return open_and_note(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

EXPORTED int close(int file) {
    pthread_mutex_lock(&mutex);
    forget(file);
    int result = (int)syscall(SYS_close, file);
    pthread_mutex_unlock(&mutex);
    return result;
}

/* ---- Writing ---- */

/* Writes at `offset`, or where the file stands if that is -1. */
static ssize_t write_and_note(int file, const struct iovec *parts, int count, off_t offset) {
    struct stat found;
    int is_answer = 0;
    pthread_mutex_lock(&mutex);
    int recorded = is_file(file, &found);
    if (!recorded && offset == -1) is_answer = is_socket(file);
    if (!recorded && !is_answer) {
        pthread_mutex_unlock(&mutex);
        return offset == -1 ? syscall(SYS_writev, file, parts, count) : syscall(SYS_pwritev, file, parts, count, offset, 0);
    }
    ssize_t done = offset == -1 ? syscall(SYS_writev, file, parts, count) : syscall(SYS_pwritev, file, parts, count, offset, 0);
    if (done > 0 && recorded) {
        off_t start = offset == -1 ? lseek(file, 0, SEEK_CUR) - done : offset;
        struct entry entry = {.letter = 'W', .flags = is_dsync[file] ? DSYNC : 0, .inode = found.st_ino, .a = (uint64_t)start};
        note(entry, paths[file], NULL, parts, (size_t)done);
    } else if (done > 0 && fstat(file, &found) == 0) {
        note((struct entry){.letter = 'A', .inode = found.st_ino}, NULL, NULL, parts, (size_t)done);
    }
    pthread_mutex_unlock(&mutex);
    return done;
}

EXPORTED ssize_t write(int file, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    return write_and_note(file, &part, 1, -1);
}
EXPORTED ssize_t writev(int file, const struct iovec *parts, int count) { return write_and_note(file, parts, count, -1); }

#define PWRITE(name, type) \
    EXPORTED ssize_t name(int file, const void *bytes, size_t length, type offset) { \
        struct iovec part = {(void *)bytes, length}; \
        return write_and_note(file, &part, 1, offset); \
    }
#define PWRITEV(name, type) \
    EXPORTED ssize_t name(int file, const struct iovec *parts, int count, type offset) { return write_and_note(file, parts, count, offset); }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

EXPORTED ssize_t send(int file, const void *bytes, size_t length, int flags) {
    struct iovec part = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(file, &message, flags);
}

EXPORTED ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    struct stat found;
    pthread_mutex_lock(&mutex);
    ssize_t done = syscall(SYS_sendmsg, file, message, flags);
    if (done > 0 && log_file >= 0 && fstat(file, &found) == 0)
        note((struct entry){.letter = 'A', .inode = found.st_ino}, NULL, NULL, message->msg_iov, (size_t)done);
    pthread_mutex_unlock(&mutex);
    return done;
}

/* A call on a descriptor that changes a file's length or blocks: logged when it went well. */
#define ON_FILE(result, letter_, a_, b_, flags_) \
    struct stat found; \
    pthread_mutex_lock(&mutex); \
    int recorded = is_file(file, &found); \
    int done = (int)(result); \
    if (done == 0 && recorded) \
        note((struct entry){.letter = letter_, .flags = (uint32_t)(flags_), .inode = found.st_ino, .a = (uint64_t)(a_), .b = (uint64_t)(b_)}, \
             paths[file], NULL, NULL, 0); \
    pthread_mutex_unlock(&mutex); \
    return done;

EXPORTED int ftruncate(int file, off_t size) { ON_FILE(syscall(SYS_ftruncate, file, size), 'T', size, 0, 0) }
EXPORTED int ftruncate64(int file, off64_t size) { ON_FILE(syscall(SYS_ftruncate, file, size), 'T', size, 0, 0) }
EXPORTED int fallocate(int file, int mode, off_t at, off_t length) { ON_FILE(syscall(SYS_fallocate, file, mode, at, length), 'F', at, length, mode) }
EXPORTED int fallocate64(int file, int mode, off64_t at, off64_t length) {
    ON_FILE(syscall(SYS_fallocate, file, mode, at, length), 'F', at, length, mode)
}
EXPORTED int posix_fallocate(int file, off_t at, off_t length) { return fallocate(file, 0, at, length) ? errno : 0; }
EXPORTED int posix_fallocate64(int file, off64_t at, off64_t length) { return fallocate(file, 0, at, length) ? errno : 0; }
EXPORTED int fchmod(int file, mode_t mode) { ON_FILE(syscall(SYS_fchmod, file, mode), 'C', mode, 0, 0) }

/* ---- Syncing ---- */

static int sync_and_note(int file, long call) {
    struct stat found;
    pthread_mutex_lock(&mutex);
    char *path = is_file(file, &found) ? strdup(paths[file]) : NULL;
    struct entry entry = {.letter = 'B', .inode = found.st_ino, .a = ++syncs};
    if (path) note(entry, path, NULL, NULL, 0);
    pthread_mutex_unlock(&mutex);
    int done = (int)syscall(call, file);
    entry.letter = 'E';
    pthread_mutex_lock(&mutex);
    if (path && done == 0) note(entry, path, NULL, NULL, 0);
    pthread_mutex_unlock(&mutex);
    free(path);
    return done;
}

EXPORTED int fsync(int file) { return sync_and_note(file, SYS_fsync); }
EXPORTED int fdatasync(int file) { return sync_and_note(file, SYS_fdatasync); }
/* `sync_file_range` makes nothing durable (its manual page says so), and `msync` would concern mappings, of which nothing is recorded. */

/* ---- Names ---- */

/* A call about names: logged when it went well and one of them is below the roots. */
#define ON_NAMES(result, letter_, folder_, path_, other_folder, other_path, flags_) \
    char full[PATH_MAX] = "", other_full[PATH_MAX] = ""; \
    pthread_mutex_lock(&mutex); \
    const char *second = other_path; \
    int recorded = is_recorded(folder_, path_, full) | is_recorded(other_folder, second, other_full); \
    int done = (int)(result); \
    struct stat found; \
    int saved = errno; \
    if (done == 0 && recorded) \
        note((struct entry){.letter = letter_, .flags = (uint32_t)(flags_), .inode = lstat(second ? other_full : full, &found) ? 0 : found.st_ino}, \
             full, second ? other_full : NULL, NULL, 0); \
    errno = saved; \
    pthread_mutex_unlock(&mutex); \
    return done;

static int rename_and_note(int from, const char *path, int to, const char *other, unsigned flags) {
    ON_NAMES(syscall(SYS_renameat2, from, path, to, other, flags), 'R', from, path, to, other, flags)
}
static int link_and_note(int from, const char *path, int to, const char *other, int flags) {
    ON_NAMES(syscall(SYS_linkat, from, path, to, other, flags), 'L', from, path, to, other, 0)
}
static int unlink_and_note(int folder, const char *path, int flags) {
    ON_NAMES(syscall(SYS_unlinkat, folder, path, flags), 'U', folder, path, AT_FDCWD, NULL, flags)
}
static int mkdir_and_note(int folder, const char *path, mode_t mode) {
    ON_NAMES(syscall(SYS_mkdirat, folder, path, mode), 'M', folder, path, AT_FDCWD, NULL, mode)
}

EXPORTED int rename(const char *from, const char *to) { return rename_and_note(AT_FDCWD, from, AT_FDCWD, to, 0); }
EXPORTED int renameat(int from, const char *path, int to, const char *other) { return rename_and_note(from, path, to, other, 0); }
EXPORTED int renameat2(int from, const char *path, int to, const char *other, unsigned flags) {
    return rename_and_note(from, path, to, other, flags);
}
EXPORTED int link(const char *from, const char *to) { return link_and_note(AT_FDCWD, from, AT_FDCWD, to, 0); }
EXPORTED int linkat(int from, const char *path, int to, const char *other, int flags) { return link_and_note(from, path, to, other, flags); }
EXPORTED int unlink(const char *path) { return unlink_and_note(AT_FDCWD, path, 0); }
EXPORTED int unlinkat(int folder, const char *path, int flags) { return unlink_and_note(folder, path, flags); }
EXPORTED int rmdir(const char *path) { return unlink_and_note(AT_FDCWD, path, AT_REMOVEDIR); }
EXPORTED int remove(const char *path) {
    int done = unlink_and_note(AT_FDCWD, path, 0);
    return done && errno == EISDIR ? unlink_and_note(AT_FDCWD, path, AT_REMOVEDIR) : done;
}
EXPORTED int mkdir(const char *path, mode_t mode) { return mkdir_and_note(AT_FDCWD, path, mode); }
EXPORTED int mkdirat(int folder, const char *path, mode_t mode) { return mkdir_and_note(folder, path, mode); }
