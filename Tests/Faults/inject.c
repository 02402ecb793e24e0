// Runs a program of which one system call fails once, or of which every call is written down.
//
//     inject LOG FOLDER record PROGRAM WORD …
//     inject LOG FOLDER CALL PATH N ERRNO PROGRAM WORD …      ERRNO 0: a write that writes half, and says so
//
// Not strace: its `when=N` counts each thread by itself, and the daemon's threads share out the work differently each time. Not a preloaded
// library: it does not see what libc calls by itself (threads, malloc, opendir). The kernel asks a process beside the program (seccomp's user
// notification) for just the call in question, so all else runs at full speed, and one process counts for all threads.
// The program keeps the process id of this one: whoever started it can signal it and read its exit status.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { path_bytes_max = 4096, half_bytes_max = 1 << 26, vectors_max = 1024, sector = 512 };

static int log_file, recording, call_wanted, fault, program;
static long wanted_count;
static const char *folder, *path_wanted;

// Without somebody who answers its calls the program would wait for ever.
static void die(const char *what) {
    dprintf(log_file, "broken %s: %s\n", what, strerror(errno));
    dprintf(2, "inject: %s: %s\n", what, strerror(errno));
    kill(program, SIGKILL);
    _exit(70);
}

static ssize_t peek(pid_t thread, unsigned long long address, void *into, size_t length) {
    struct iovec here = {into, length}, there = {(void *)address, length};
    return process_vm_readv(thread, &here, 1, &there, 1, 0);
}

static void peek_text(pid_t thread, unsigned long long address, char *text) {
    size_t length = 0;
    // A page at a time at the most: a text may end just before memory that is not there.
    while (length + 1 < path_bytes_max) {
        size_t part = 4096 - ((address + length) & 4095);
        if (part > path_bytes_max - 1 - length) part = path_bytes_max - 1 - length;
        ssize_t got = peek(thread, address + length, text + length, part);
        if (got <= 0 || memchr(text + length, 0, got)) break;
        length += got;
    }
    text[path_bytes_max - 1] = 0;
}

// The argument that is a path, or -1.
static int path_argument(int call) {
    switch (call) {
    case SYS_open: case SYS_stat: case SYS_lstat: case SYS_access: case SYS_mkdir: case SYS_rmdir: case SYS_unlink: case SYS_chmod:
    case SYS_chown: case SYS_lchown: case SYS_statfs: case SYS_readlink: case SYS_rename: case SYS_truncate: case SYS_link: case SYS_symlink:
        return 0;
    case SYS_openat: case SYS_newfstatat: case SYS_statx: case SYS_unlinkat: case SYS_mkdirat: case SYS_renameat: case SYS_renameat2:
    case SYS_fchmodat: case SYS_fchownat: case SYS_faccessat: case SYS_faccessat2: case SYS_readlinkat: case SYS_linkat: case SYS_utimensat:
        return 1;
    default:
        return -1;
    }
}

// The argument that is a file descriptor, or -1.
static int file_argument(const struct seccomp_data *data) {
    switch (data->nr) {
    case SYS_read: case SYS_write: case SYS_close: case SYS_fstat: case SYS_lseek: case SYS_pread64: case SYS_pwrite64: case SYS_readv:
    case SYS_writev: case SYS_preadv: case SYS_pwritev: case SYS_preadv2: case SYS_pwritev2: case SYS_fsync: case SYS_fdatasync:
    case SYS_ftruncate: case SYS_fallocate: case SYS_flock: case SYS_fcntl: case SYS_fstatfs: case SYS_fchmod: case SYS_fchown:
    case SYS_getdents64: case SYS_sync_file_range: case SYS_fadvise64: case SYS_ioctl: case SYS_syncfs: case SYS_sendfile:
    case SYS_copy_file_range: case SYS_bind: case SYS_listen: case SYS_accept: case SYS_accept4: case SYS_connect: case SYS_getsockopt:
    case SYS_setsockopt: case SYS_getsockname: case SYS_getpeername: case SYS_shutdown: case SYS_sendto: case SYS_recvfrom: case SYS_sendmsg:
    case SYS_recvmsg: case SYS_epoll_ctl: case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_timerfd_settime: case SYS_dup: case SYS_dup2:
    case SYS_dup3:
        return 0;
    case SYS_mmap:
        return data->args[3] & MAP_ANONYMOUS ? -1 : 4;
    default:
        return -1;
    }
}

static void link_text(pid_t thread, const char *kind, int number, char *text) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/%s/%d", thread, kind, number);
    ssize_t length = readlink(link, text, path_bytes_max - 1);
    text[length > 0 ? length : 0] = 0;
}

// What a call is about: a path below the folder, another path, `socket`, `pipe`, or `-`. Equal in every run.
static void subject_of(pid_t thread, const struct seccomp_data *data, char *subject) {
    char text[2 * path_bytes_max + 1] = "", name[path_bytes_max] = "";
    int path = path_argument(data->nr), file = file_argument(data);
    if (path >= 0) peek_text(thread, data->args[path], name);
    if (path == 1 && name[0] != '/' && (int)data->args[0] != AT_FDCWD) file = 0;
    if (file >= 0) link_text(thread, "fd", (int)data->args[file], text);
    if (name[0]) {
        if (file >= 0) strcat(text, "/");
        strcat(text, name);
    }
    size_t length = strlen(folder);
    char *start = strncmp(text, folder, length) == 0 ? text + length : text;
    if (!strncmp(start, "socket:", 7) || !strncmp(start, "pipe:", 5)) *strchr(start, ':') = 0;
    char *own = strncmp(start, "/proc/", 6) == 0 ? start + 6 : NULL;
    if (own && strspn(own, "0123456789")) memset(own, 'N', strspn(own, "0123456789"));
    for (char *byte = start; *byte; byte++)
        if (*byte == ' ' || *byte == '\n') *byte = '_';
    strcpy(subject, *start ? start : "-");
}

// The loader's own calls are not the daemon's: they are told by where they are made from.
static int of_loader(pid_t thread, unsigned long long instruction) {
    static unsigned long long from, until;
    if (!until) {
        char place[64], line[path_bytes_max];
        snprintf(place, sizeof place, "/proc/%d/maps", thread);
        FILE *maps = fopen(place, "re");
        if (!maps) die("maps");
        while (fgets(line, sizeof line, maps)) {
            unsigned long long low, high;
            if (strstr(line, "/ld-linux") && sscanf(line, "%llx-%llx", &low, &high) == 2) {
                if (!from) from = low;
                until = high;
            }
        }
        fclose(maps);
        if (!until) until = 1;
    }
    return instruction >= from && instruction < until;
}

static int is_vector(int call) { return call == SYS_writev || call == SYS_pwritev || call == SYS_pwritev2; }
static int has_offset(int call) { return call == SYS_pwrite64 || call == SYS_pwritev || call == SYS_pwritev2; }

// Reads up to `half_bytes_max` of what is to be written; returns how much that is.
static size_t gather(pid_t thread, const struct seccomp_data *data, char *bytes) {
    struct iovec vectors[vectors_max] = {{(void *)data->args[1], data->args[2]}};
    size_t count = 1, length = 0;
    if (is_vector(data->nr)) {
        count = data->args[2] < vectors_max ? data->args[2] : vectors_max;
        if (peek(thread, data->args[1], vectors, count * sizeof *vectors) < 0) die("vectors");
    }
    for (size_t number = 0; number < count && length < half_bytes_max; number++) {
        size_t part = vectors[number].iov_len;
        if (part > half_bytes_max - length) part = half_bytes_max - length;
        if (part && peek(thread, (unsigned long long)vectors[number].iov_base, bytes + length, part) != (ssize_t)part) die("bytes");
        length += part;
    }
    return length;
}

// Writes the first half on the program's behalf, whole sectors where there is one. Returns how much, 0 if there is no half.
static long write_half(pid_t thread, const struct seccomp_data *data) {
    char *bytes = mmap(NULL, half_bytes_max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) die("memory");
    size_t half = gather(thread, data, bytes) / 2;
    if (half > sector) half -= half % sector;
    int process = syscall(SYS_pidfd_open, program, 0);
    int file = syscall(SYS_pidfd_getfd, process, (int)data->args[0], 0);
    if (process < 0 || file < 0) die("file");
    ssize_t done = half == 0 ? 0 : has_offset(data->nr) ? pwrite(file, bytes, half, data->args[3]) : write(file, bytes, half);
    if (done < 0) die("half");
    close(file);
    close(process);
    munmap(bytes, half_bytes_max);
    return done;
}

static void name_of(pid_t thread, char *name) {
    char place[64];
    snprintf(place, sizeof place, "/proc/%d/comm", thread);
    int file = open(place, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, name, 31);
    if (file >= 0) close(file);
    name[length > 0 ? length - 1 : 0] = 0;
}

// What the program is answered: by default the kernel does what it was asked.
static void decide(const struct seccomp_notif *asked, struct seccomp_notif_resp *answer) {
    static long seen;
    char subject[2 * path_bytes_max + 1], name[32] = "";
    answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (asked->data.nr == SYS_execve || of_loader(asked->pid, asked->data.instruction_pointer)) return;
    subject_of(asked->pid, &asked->data, subject);
    if (recording) {
        dprintf(log_file, "%d %s\n", asked->data.nr, subject);
        return;
    }
    if (strcmp(subject, path_wanted) || ++seen != wanted_count) return;
    long half = fault ? 0 : write_half(asked->pid, &asked->data);
    name_of(asked->pid, name);
    dprintf(log_file, "%s %s %s\n", fault || half ? "hit" : "unfit", subject, name);
    if (!fault && !half) return;
    answer->flags = 0;
    answer->error = -fault;
    answer->val = half;
}

static void serve(int listener) {
    struct pollfd door = {listener, POLLIN, 0};
    for (;;) {
        if (poll(&door, 1, -1) < 0 && errno != EINTR) die("poll");
        if (door.revents & POLLHUP) _exit(0);
        if (!(door.revents & POLLIN)) continue;
        struct seccomp_notif asked = {0};
        struct seccomp_notif_resp answer = {0};
        // A thread may end, or be called away by a signal, before it is heard, and before it is answered.
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) continue;
        decide(&asked, &answer);
        answer.id = asked.id;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

static int listen_to_calls(void) {
    struct sock_filter load[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 2, 0),
        BPF_JUMP(BPF_JMP | (recording ? BPF_JGE : BPF_JEQ) | BPF_K, recording ? 0 : call_wanted, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog filter = {sizeof load / sizeof *load, load};
    // With the last flag a thread that waits for an answer is woken only by what kills it: else a signal would have it ask twice.
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
}

// The process beside the program, and no child of it: the program may wait for children of its own.
static void serve_beside(volatile int *listener_of_program) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) {
        waitpid(child, NULL, 0);
        return;
    }
    if (fork() != 0) _exit(0);
    setsid();
    signal(SIGPIPE, SIG_IGN);
    close_range(0, 1, 0);
    // The program cannot hand its listener over by a call: that might be the very one that waits for an answer.
    while (*listener_of_program < 0) {
        if (kill(program, 0)) _exit(0);
        usleep(100);
    }
    int process = syscall(SYS_pidfd_open, program, 0);
    int listener = syscall(SYS_pidfd_getfd, process, *listener_of_program, 0);
    if (listener < 0) die("listener");
    close(process);
    serve(listener);
}

int main(int count, char **words) {
    if (count < 5) return 64;
    recording = !strcmp(words[3], "record");
    int first = recording ? 4 : 7;
    if (count <= first) return 64;
    folder = words[2];
    call_wanted = recording ? 0 : atoi(words[3]);
    path_wanted = words[4];
    wanted_count = recording ? 0 : atol(words[5]);
    fault = recording ? 0 : atoi(words[6]);
    program = getpid();
    log_file = open(words[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    volatile int *listener = mmap(NULL, sizeof *listener, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (log_file < 0 || listener == MAP_FAILED) return 70;
    *listener = -1;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("privileges");
    serve_beside(listener);
    int made = listen_to_calls();
    if (made < 0) die("seccomp");
    *listener = made;
    execv(words[first], words + first);
    _exit(71);
}
