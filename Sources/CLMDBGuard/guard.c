// LMDB 0.9 takes the pages of its file at their word: one that is damaged makes it assert (which ends the process), or read where nothing is
// mapped. Here such a call is left by a long jump, and answered with MDB_CORRUPTED. What is jumped over are LMDB's own frames alone, and only a
// fault at an address that the file's pages lead to is one of these: any other ends the process.
//
// A reading call holds no lock and owns no memory while it follows pages (but for a cursor that is just made, which is lost). A writing one
// leaves its transaction in the midst of a change, with pointers into frames that are gone: it can be neither committed nor given up. So it is
// left lying, with LMDB's lock, and nobody writes to that file any more until the process is started again. Nothing of it is in the file.
#define _GNU_SOURCE  // REG_ERR
#include "../CLMDB/shim.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

// What is known of an open file.
struct file {
    size_t page_bytes;
    // Held by the write transaction. LMDB's own lock would be waited for for ever, once a transaction is left lying.
    pthread_mutex_t writers;
    _Atomic(MDB_txn *) writing;
    // A call of the write transaction failed: it must not be committed.
    int is_spoiled;
    // A call of it was left: it lies there for good.
    _Atomic(int) is_left;
    // Where the file is mapped; 0 as long as nothing of it was read.
    _Atomic(uintptr_t) map;
    size_t map_bytes;
};

struct landing {
    sigjmp_buf place;
    struct file *file;
};

// Where the call that is under way on this thread is left; null outside of them.
static __thread struct landing *volatile landing;

static struct sigaction old_fault, old_bus;

static void leave(struct landing *place) {
    landing = NULL;
    siglongjmp(place->place, 1);
}

// Where a null pointer leads to with a field's offset: LMDB follows some when a node's flags are damaged.
enum { null_bytes = 1 << 16 };
// So far behind the map a value of a page in it may end, by its length.
static const size_t value_bytes = ((size_t)1 << 32) + (1 << 16);

static int is_writing_fault(const void *context) {
#if defined(__x86_64__)
    return (((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#else
    (void)context;
    return 0;
#endif
}

// Whether a fault comes from a page of the file. Any other one is a bug, or memory that was written over: going on would hide the one, and
// might commit the other.
static int is_of_file(struct file *file, uintptr_t address, const void *context) {
    uintptr_t map = file ? atomic_load_explicit(&file->map, memory_order_relaxed) : 0;
    if (!map || address < null_bytes) return 1;
    return address >= map && address - map < file->map_bytes + (is_writing_fault(context) ? 0 : value_bytes);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    struct landing *place = landing;
    // SI_KERNEL: an address that no memory can have, of which the system does not even say what it was.
    if (place && info->si_code > 0 && info->si_code != SI_KERNEL && is_of_file(place->file, (uintptr_t)info->si_addr, context)) leave(place);
    // Not ours: as it would have been without us. The instruction is run again, or the signal sent again.
    sigaction(number, number == SIGBUS ? &old_bus : &old_fault, NULL);
    if (info->si_code <= 0) raise(number);
}

static void on_assertion(MDB_env *environment, const char *message) {
    struct landing *place = landing;
    const char *path = "?";
    if (place) leave(place);
    // LMDB prints its own message next, and aborts.
    mdb_env_get_path(environment, &path);
    fprintf(stderr, "%s is damaged, and LMDB cannot go on: %s\n", path, message);
}

static void install(void) {
    struct sigaction action = {0};
    action.sa_sigaction = on_fault;
    // Not blocked while it is handled, since the handler is left by a jump that does not restore the mask: saving it is a system call.
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &old_fault);
    sigaction(SIGBUS, &action, &old_bus);
}

static struct file *file_of(MDB_txn *transaction) { return mdb_env_get_userctx(mdb_txn_env(transaction)); }

static int is_writing(MDB_txn *transaction) {
    return atomic_load_explicit(&file_of(transaction)->writing, memory_order_relaxed) == transaction;
}

// Notes that a call of a transaction was left.
static int left(MDB_txn *transaction) {
    if (is_writing(transaction)) file_of(transaction)->is_left = 1;
    return MDB_CORRUPTED;
}

#define GUARDED(whose, otherwise, call)                   \
    struct landing place;                                 \
    int code;                                             \
    place.file = (whose);                                 \
    if (sigsetjmp(place.place, 0) != 0) return otherwise; \
    landing = &place;                                     \
    code = (call);                                        \
    landing = NULL;

// What a call came to. LMDB makes a cursor whether or not its table's root can be read; then it calls the transaction spoiled at the next
// call, though none had failed.
static int told(MDB_txn *transaction, int code) {
    struct file *file = file_of(transaction);
    int is_change = is_writing(transaction);
    if (code == MDB_BAD_TXN && !(is_change && file->is_spoiled)) code = MDB_CORRUPTED;
    if (code == MDB_SUCCESS || code == MDB_NOTFOUND || code == MDB_KEYEXIST || code == MDB_BAD_VALSIZE) return code;
    if (is_change) file->is_spoiled = 1;
    return code;
}

static int open_file(MDB_env *environment, const char *path, unsigned int flags, mdb_mode_t mode) {
    GUARDED(NULL, MDB_CORRUPTED, mdb_env_open(environment, path, flags, mode))
    return code;
}

int guarded_open(MDB_env *environment, const char *path, unsigned int flags, mdb_mode_t mode) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    MDB_stat stat;
    MDB_envinfo info;
    int code;
    struct file *file = calloc(1, sizeof *file);
    if (!file) return ENOMEM;
    pthread_mutex_init(&file->writers, NULL);
    mdb_env_set_userctx(environment, file);
    pthread_once(&once, install);
    mdb_env_set_assert(environment, on_assertion);
    code = open_file(environment, path, flags, mode);
    if (code != MDB_SUCCESS) return code;
    mdb_env_stat(environment, &stat);
    mdb_env_info(environment, &info);
    file->page_bytes = stat.ms_psize;
    file->map_bytes = info.me_mapsize;
    return MDB_SUCCESS;
}

int guarded_is_left(MDB_env *environment) {
    struct file *file = mdb_env_get_userctx(environment);
    return file && file->is_left;
}

int guarded_close(MDB_env *environment) {
    struct file *file = mdb_env_get_userctx(environment);
    // The C library has LMDB's lock on the list of those that its thread holds, and goes through it when that thread takes the next one:
    // the memory that the lock lies in must not go.
    if (guarded_is_left(environment)) return 0;
    mdb_env_close(environment);
    if (!file) return 1;
    pthread_mutex_destroy(&file->writers);
    free(file);
    return 1;
}

// What LMDB lends is read by Swift, outside of any guard. So it is touched here, at both ends, within one; and it must not go on beyond its
// page, unless it begins where a value with pages of its own begins. Of pages that a writer changed the latter cannot be told.
static int has_all_of(MDB_txn *transaction, const MDB_val *value) {
    struct file *file = file_of(transaction);
    size_t page_bytes = file->page_bytes;
    uintptr_t map = atomic_load_explicit(&file->map, memory_order_relaxed);
    size_t in_page = (uintptr_t)value->mv_data & (page_bytes - 1);
    const volatile char *bytes = value->mv_data;
    // A leaf whose flags call it one of another kind has no values: LMDB leaves what it was given.
    if (value->mv_data == NULL) return 0;
    if (value->mv_size == 0) return 1;
    // Behind the map something else may lie, by which a damaged length would be taken for a good one.
    if (map && !is_writing(transaction)) {
        size_t start = (uintptr_t)value->mv_data - map;
        if (start >= file->map_bytes || value->mv_size > file->map_bytes - start) return 0;
    }
    (void)bytes[0];
    (void)bytes[value->mv_size - 1];
    return in_page == 16 || in_page + value->mv_size <= page_bytes || is_writing(transaction);
}

static int begin_reading(MDB_env *environment, unsigned int flags, MDB_txn **transaction) {
    GUARDED(mdb_env_get_userctx(environment), MDB_CORRUPTED, mdb_txn_begin(environment, NULL, flags, transaction))
    return code;
}

// LMDB does not say where it mapped a file. But the list of tables begins on a page of it, which says its own number.
static int look_for_map(MDB_txn *transaction, struct file *file) {
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(transaction, 1, &cursor);
    if (code != MDB_SUCCESS) return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    mdb_cursor_close(cursor);
    if (code == MDB_SUCCESS) {
        uintptr_t page = (uintptr_t)key.mv_data & ~(uintptr_t)(file->page_bytes - 1);
        size_t number = *(const volatile size_t *)page;
        // Of a damaged number no address is made: one that no memory can have is a fault without an address, which nobody leaves.
        if (number >= file->map_bytes / file->page_bytes) return MDB_SUCCESS;
        uintptr_t map = page - number * file->page_bytes;
        // The first page, which is a meta page, begins with its number, and has LMDB's magic number behind its head.
        if (*(const volatile size_t *)map == 0 && *(const volatile uint32_t *)(map + 16) == 0xBEEFC0DE) {
            atomic_store_explicit(&file->map, map, memory_order_relaxed);
        }
    }
    return MDB_SUCCESS;
}

// Where that fails, the file is damaged there, or empty, and any fault while it is read is taken for its own.
static int find_map(MDB_txn *transaction, struct file *file) {
    GUARDED(NULL, MDB_CORRUPTED, look_for_map(transaction, file))
    return code;
}

int guarded_begin(MDB_env *environment, unsigned int flags, MDB_txn **transaction) {
    struct file *file = mdb_env_get_userctx(environment);
    int code;
    if (flags & MDB_RDONLY) {
        code = begin_reading(environment, flags, transaction);
        if (code == MDB_SUCCESS && atomic_load_explicit(&file->map, memory_order_relaxed) == 0) (void)find_map(*transaction, file);
        return code;
    }
    pthread_mutex_lock(&file->writers);
    // No page of a tree is looked at yet.
    code = file->is_left ? MDB_CORRUPTED : mdb_txn_begin(environment, NULL, flags, transaction);
    if (code == MDB_SUCCESS) {
        atomic_store_explicit(&file->writing, *transaction, memory_order_relaxed);
        file->is_spoiled = 0;
    } else {
        pthread_mutex_unlock(&file->writers);
    }
    return code;
}

static int give_up(MDB_txn *transaction) {
    mdb_txn_abort(transaction);
    return MDB_SUCCESS;
}

static int abort_guarded(MDB_txn *transaction, struct file *file) {
    GUARDED(file_of(transaction), file ? left(transaction) : MDB_CORRUPTED, give_up(transaction))
    return code;
}

static void end_writing(struct file *file) {
    atomic_store_explicit(&file->writing, NULL, memory_order_relaxed);
    pthread_mutex_unlock(&file->writers);
}

void guarded_abort(MDB_txn *transaction) {
    struct file *file = is_writing(transaction) ? file_of(transaction) : NULL;
    if (!file || !file->is_left) (void)abort_guarded(transaction, file);
    if (file) end_writing(file);
}

static int commit_guarded(MDB_txn *transaction) {
    GUARDED(file_of(transaction), left(transaction), mdb_txn_commit(transaction))
    return code;
}

int guarded_commit(MDB_txn *transaction) {
    struct file *file = is_writing(transaction) ? file_of(transaction) : NULL;
    int code;
    if (file && (file->is_spoiled || file->is_left)) {
        guarded_abort(transaction);
        return MDB_BAD_TXN;
    }
    code = commit_guarded(transaction);
    if (file) end_writing(file);
    return code == MDB_BAD_TXN ? MDB_CORRUPTED : code;
}

int guarded_open_table(MDB_txn *transaction, const char *name, unsigned int flags, MDB_dbi *table) {
    GUARDED(file_of(transaction), left(transaction), mdb_dbi_open(transaction, name, flags, table))
    return told(transaction, code);
}

static int get(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value) {
    int code = mdb_get(transaction, table, key, value);
    return code != MDB_SUCCESS || has_all_of(transaction, value) ? code : MDB_CORRUPTED;
}

int guarded_get(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value) {
    GUARDED(file_of(transaction), left(transaction), get(transaction, table, key, value))
    return code == MDB_SUCCESS ? code : told(transaction, code);
}

int guarded_cursor_open(MDB_txn *transaction, MDB_dbi table, MDB_cursor **cursor) {
    GUARDED(file_of(transaction), left(transaction), mdb_cursor_open(transaction, table, cursor))
    return told(transaction, code);
}

void guarded_cursor_close(MDB_cursor *cursor) {
    MDB_txn *transaction = mdb_cursor_txn(cursor);
    // LMDB would look for it among the cursors of its transaction, some of which lay in frames that are gone.
    if (is_writing(transaction) && file_of(transaction)->is_left) return;
    mdb_cursor_close(cursor);
}

static int move(MDB_txn *transaction, MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation) {
    int code = mdb_cursor_get(cursor, key, value, operation);
    if (code != MDB_SUCCESS) return code;
    return key->mv_size > 0 && has_all_of(transaction, key) && has_all_of(transaction, value) ? MDB_SUCCESS : MDB_CORRUPTED;
}

int guarded_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation) {
    MDB_txn *transaction = mdb_cursor_txn(cursor);
    GUARDED(file_of(transaction), left(transaction), move(transaction, cursor, key, value, operation))
    return code == MDB_SUCCESS ? code : told(transaction, code);
}

int guarded_put(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned int flags) {
    if (file_of(transaction)->is_left) return MDB_BAD_TXN;
    GUARDED(file_of(transaction), left(transaction), mdb_put(transaction, table, key, value, flags))
    return told(transaction, code);
}

int guarded_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned int flags) {
    MDB_txn *transaction = mdb_cursor_txn(cursor);
    if (file_of(transaction)->is_left) return MDB_BAD_TXN;
    GUARDED(file_of(transaction), left(transaction), mdb_cursor_put(cursor, key, value, flags))
    return told(transaction, code);
}

int guarded_delete(MDB_txn *transaction, MDB_dbi table, MDB_val *key) {
    if (file_of(transaction)->is_left) return MDB_BAD_TXN;
    GUARDED(file_of(transaction), left(transaction), mdb_del(transaction, table, key, NULL))
    return told(transaction, code);
}

int guarded_clear(MDB_txn *transaction, MDB_dbi table) {
    if (file_of(transaction)->is_left) return MDB_BAD_TXN;
    GUARDED(file_of(transaction), left(transaction), mdb_drop(transaction, table, 0))
    return told(transaction, code);
}

int guarded_count(MDB_txn *transaction, MDB_dbi table, MDB_stat *found) {
    GUARDED(file_of(transaction), left(transaction), mdb_stat(transaction, table, found))
    return told(transaction, code);
}
