// LMDB 0.9 takes the pages of its file at their word: one that is damaged makes it assert (which ends the process), or read where nothing is
// mapped. Here such a call is left by a long jump, and answered with MDB_CORRUPTED. What is jumped over are LMDB's own frames alone.
//
// A reading call holds no lock and owns no memory while it follows pages (but for a cursor that is just made, which is lost). A writing one
// leaves its transaction half changed: the caller gives it up, as LMDB asks after any error, and nothing of it is in the file.
#include "../CLMDB/shim.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

// Where the call that is under way on this thread is left; null outside of them.
static __thread sigjmp_buf *volatile landing;
// The write transaction of this thread.
static __thread MDB_txn *writing;
// It, if a call of it was left: it must not be committed.
static __thread MDB_txn *spoiled;

static struct sigaction old_fault, old_bus;

static void leave(sigjmp_buf *place) {
    landing = NULL;
    siglongjmp(*place, 1);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    sigjmp_buf *place = landing;
    (void)context;
    if (place && info->si_code > 0) leave(place);
    // Not ours: as it would have been without us. The instruction is run again, or the signal sent again.
    sigaction(number, number == SIGBUS ? &old_bus : &old_fault, NULL);
    if (info->si_code <= 0) raise(number);
}

static void on_assertion(MDB_env *environment, const char *message) {
    sigjmp_buf *place = landing;
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

#define GUARDED(call)                                     \
    sigjmp_buf place;                                     \
    int code;                                             \
    if (sigsetjmp(place, 0) != 0) return MDB_CORRUPTED;   \
    landing = &place;                                     \
    code = (call);                                        \
    landing = NULL;

int guarded_open(MDB_env *environment, const char *path, unsigned int flags, mdb_mode_t mode) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    MDB_stat stat;
    pthread_once(&once, install);
    mdb_env_set_assert(environment, on_assertion);
    GUARDED(mdb_env_open(environment, path, flags, mode))
    if (code != MDB_SUCCESS) return code;
    mdb_env_stat(environment, &stat);
    mdb_env_set_userctx(environment, (void *)(uintptr_t)stat.ms_psize);
    return MDB_SUCCESS;
}

// What LMDB lends is read by Swift, outside of any guard. So it is touched here, at both ends, within one; and it must not go on beyond its
// page, unless it begins where a value with pages of its own begins. Of pages that a writer changed the latter cannot be told.
static int has_all_of(MDB_txn *transaction, const MDB_val *value) {
    size_t page_bytes = (uintptr_t)mdb_env_get_userctx(mdb_txn_env(transaction));
    size_t in_page = (uintptr_t)value->mv_data & (page_bytes - 1);
    const volatile char *bytes = value->mv_data;
    // A leaf whose flags call it one of another kind has no values: LMDB leaves what it was given.
    if (value->mv_data == NULL) return 0;
    if (value->mv_size == 0) return 1;
    (void)bytes[0];
    (void)bytes[value->mv_size - 1];
    return transaction == writing || in_page == 16 || in_page + value->mv_size <= page_bytes;
}

int guarded_begin(MDB_env *environment, unsigned int flags, MDB_txn **transaction) {
    // A writer waits here, with a lock that a jump would leave behind; and no page of a tree is looked at yet.
    if (!(flags & MDB_RDONLY)) {
        int code = mdb_txn_begin(environment, NULL, flags, transaction);
        if (code == MDB_SUCCESS) writing = *transaction;
        return code;
    }
    GUARDED(mdb_txn_begin(environment, NULL, flags, transaction))
    return code;
}

static int give_up(MDB_txn *transaction) {
    mdb_txn_abort(transaction);
    return MDB_SUCCESS;
}

static int abort_guarded(MDB_txn *transaction) {
    GUARDED(give_up(transaction))
    return code;
}

void guarded_abort(MDB_txn *transaction) {
    if (writing == transaction) writing = spoiled = NULL;
    (void)abort_guarded(transaction);
}

static int commit_guarded(MDB_txn *transaction, volatile int *is_over) {
    GUARDED(mdb_txn_commit(transaction))
    *is_over = 1;
    return code;
}

int guarded_commit(MDB_txn *transaction) {
    volatile int is_over = 0;
    int code = spoiled == transaction ? MDB_BAD_TXN : commit_guarded(transaction, &is_over);
    // What was left in its midst still has the lock for which the next writer waits.
    if (!is_over) guarded_abort(transaction);
    if (writing == transaction) writing = spoiled = NULL;
    return code;
}

// Notes what a write came to. A jump leaves no mark in LMDB's own transaction.
static int noted(MDB_txn *transaction, int code) {
    if (code == MDB_CORRUPTED) spoiled = transaction;
    return code;
}

int guarded_open_table(MDB_txn *transaction, const char *name, unsigned int flags, MDB_dbi *table) {
    GUARDED(mdb_dbi_open(transaction, name, flags, table))
    return code;
}

// A cursor is made whether or not its table's root can be read; then LMDB calls a reading transaction spoiled, which nothing else makes so.
static int told(MDB_txn *transaction, int code) { return code == MDB_BAD_TXN && transaction != writing ? MDB_CORRUPTED : code; }

static int get(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value) {
    int code = mdb_get(transaction, table, key, value);
    if (code != MDB_SUCCESS) return told(transaction, code);
    return has_all_of(transaction, value) ? MDB_SUCCESS : MDB_CORRUPTED;
}

int guarded_get(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value) {
    GUARDED(get(transaction, table, key, value))
    return code;
}

int guarded_cursor_open(MDB_txn *transaction, MDB_dbi table, MDB_cursor **cursor) {
    GUARDED(mdb_cursor_open(transaction, table, cursor))
    return code;
}

static int move(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation) {
    MDB_txn *transaction = mdb_cursor_txn(cursor);
    int code = mdb_cursor_get(cursor, key, value, operation);
    if (code != MDB_SUCCESS) return told(transaction, code);
    return key->mv_size > 0 && has_all_of(transaction, key) && has_all_of(transaction, value) ? MDB_SUCCESS : MDB_CORRUPTED;
}

int guarded_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation) {
    GUARDED(move(cursor, key, value, operation))
    return code;
}

static int put_guarded(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned int flags) {
    GUARDED(mdb_put(transaction, table, key, value, flags))
    return code;
}

int guarded_put(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned int flags) {
    return noted(transaction, put_guarded(transaction, table, key, value, flags));
}

static int delete_guarded(MDB_txn *transaction, MDB_dbi table, MDB_val *key) {
    GUARDED(mdb_del(transaction, table, key, NULL))
    return code;
}

int guarded_delete(MDB_txn *transaction, MDB_dbi table, MDB_val *key) {
    return noted(transaction, delete_guarded(transaction, table, key));
}

static int clear_guarded(MDB_txn *transaction, MDB_dbi table) {
    GUARDED(mdb_drop(transaction, table, 0))
    return code;
}

int guarded_clear(MDB_txn *transaction, MDB_dbi table) {
    return noted(transaction, clear_guarded(transaction, table));
}

int guarded_count(MDB_txn *transaction, MDB_dbi table, MDB_stat *found) {
    GUARDED(mdb_stat(transaction, table, found))
    return code;
}
