// The floor: what LMDB alone needs to write the same bytes, without socket, hash, key or index.
//
//   floor FOLDER BATCH MESSAGES BODY_BYTES [FILE OF LENGTHS]
//
// Each message is a row of about 130 bytes in the table "trail" and its body in the table "bodies", under the same growing u64. A batch
// is one transaction, synced by LMDB as it comes. Prints one JSON object; a message's latency is its batch's.
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRAIL_BYTES = 130, LETTERS = 1 << 17, BODY_MAX = 1 << 16 };

static char letters[LETTERS + BODY_MAX];
static int lengths[1 << 16], lengths_count;

static void check(int code, const char *what) {
    if (code == 0) return;
    fprintf(stderr, "%s: %s\n", what, mdb_strerror(code));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

static int compare(const void *one, const void *other) {
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

static void read_lengths(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) check(2, path);
    for (int length; lengths_count < 1 << 16 && fscanf(file, "%d", &length) == 1;)
        if (length >= 0 && length <= BODY_MAX) lengths[lengths_count++] = length;
    fclose(file);
}

int main(int count, char **words) {
    if (count < 5) return 2;
    long batch = atol(words[2]), messages = atol(words[3]), body_bytes = atol(words[4]);
    if (count > 5) read_lengths(words[5]);
    if (batch < 1 || messages < batch || body_bytes < 0 || body_bytes > BODY_MAX) return 2;
    for (int place = 0; place < LETTERS + BODY_MAX; place++) letters[place] = 'a' + mix(place) % 26;
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi trail, bodies;
    check(mdb_env_create(&environment), "create");
    check(mdb_env_set_maxdbs(environment, 2), "tables");
    check(mdb_env_set_mapsize(environment, (size_t)64 << 30), "map");
    check(mdb_env_open(environment, words[1], 0, 0600), words[1]);
    check(mdb_txn_begin(environment, NULL, 0, &transaction), "begin");
    check(mdb_dbi_open(transaction, "trail", MDB_CREATE | MDB_INTEGERKEY, &trail), "trail");
    check(mdb_dbi_open(transaction, "bodies", MDB_CREATE | MDB_INTEGERKEY, &bodies), "bodies");
    check(mdb_txn_commit(transaction), "commit");
    long batches = messages / batch;
    double *times = malloc(batches * sizeof *times), begun = now();
    uint64_t number = 0;
    for (long turn = 0; turn < batches; turn++) {
        double before = now();
        check(mdb_txn_begin(environment, NULL, 0, &transaction), "begin");
        for (long index = 0; index < batch; index++) {
            uint64_t position = ++number, chance = mix(position);
            MDB_val key = {sizeof position, &position};
            MDB_val record = {TRAIL_BYTES, letters + chance % LETTERS};
            MDB_val body = {lengths_count ? lengths[(chance >> 20) % lengths_count] : body_bytes, letters + (chance >> 40) % LETTERS};
            check(mdb_put(transaction, trail, &key, &record, MDB_APPEND), "put");
            check(mdb_put(transaction, bodies, &key, &body, MDB_APPEND), "put");
        }
        check(mdb_txn_commit(transaction), "commit");
        times[turn] = now() - before;
    }
    double seconds = now() - begun;
    mdb_env_close(environment);
    qsort(times, batches, sizeof *times, compare);
    printf("{\"requests\": %lu, \"batches\": %ld, \"seconds\": %.6f, \"rps\": %.1f, \"p50\": %.4f, \"p99\": %.4f}\n", number, batches, seconds,
           number / seconds, times[batches / 2] * 1000, times[batches * 99 / 100] * 1000);
    return 0;
}
