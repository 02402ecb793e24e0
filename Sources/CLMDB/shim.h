#include <lmdb.h>
#include <malloc.h>   // mallopt, which Swift's own Glibc module leaves out
#include <sys/vfs.h>  // statfs, which it leaves out as well

// fcntl.h has it for GNU programs alone.
int sync_file_range(int file, __off64_t offset, __off64_t bytes, unsigned int flags);

// Swift's Glibc module leaves it out: fcntl.h declares it for _GNU_SOURCE alone.
#include <sys/types.h>
extern int fallocate(int descriptor, int mode, off_t offset, off_t length);

// LMDB's calls that follow pages, as guard.c makes them: where the pages make no sense they answer MDB_CORRUPTED, and end no process.
int guarded_open(MDB_env *environment, const char *path, unsigned int flags, mdb_mode_t mode);
// 0, with nothing done, where a write transaction was left: the file stays open as long as the process lives.
int guarded_close(MDB_env *environment);
int guarded_is_left(MDB_env *environment);
int guarded_begin(MDB_env *environment, unsigned int flags, MDB_txn **transaction);
int guarded_commit(MDB_txn *transaction);
void guarded_abort(MDB_txn *transaction);
int guarded_open_table(MDB_txn *transaction, const char *name, unsigned int flags, MDB_dbi *table);
int guarded_get(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value);
int guarded_cursor_open(MDB_txn *transaction, MDB_dbi table, MDB_cursor **cursor);
void guarded_cursor_close(MDB_cursor *cursor);
int guarded_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned int flags);
int guarded_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation);
int guarded_put(MDB_txn *transaction, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned int flags);
int guarded_delete(MDB_txn *transaction, MDB_dbi table, MDB_val *key);
int guarded_clear(MDB_txn *transaction, MDB_dbi table);
int guarded_count(MDB_txn *transaction, MDB_dbi table, MDB_stat *found);
