// Clients of a server that speaks RESP at a Unix socket, and the messages that they send.
//
//   load append OPTIONS     appends messages on N connections, P commands at a time on each, the next P when all of them are answered
//   load ask OPTIONS        sends the commands of a file one after the other, each when the one before is answered
//   load copy OPTIONS       prints messages as PostgreSQL's COPY reads them: day, at, tenant, conversation, sender, id, body
//   load list OPTIONS       prints `number at tenant conversation id mark` of the numbers on standard input
//
// What append and ask have measured is one JSON object. Message n of a seed is always the same, whoever prints or sends it: the
// conversation is drawn by a Zipf law (exponent --skew, 0: all alike), the length out of a file of lengths, the body is letters and
// digits that no compression gains much on, and begins with 16 that only this body has (its mark).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LETTERS = 1 << 17, BODY_MAX = 1 << 16, COMMAND_MAX = BODY_MAX + 1024 };

static struct {
    const char *socket, *protocol, *file, *lengths;
    uint64_t seed, from, count, whole, conversations, tenants, begin, end;
    int connections, pipeline, body;
    double skew, rate, seconds;
} options = {
    .protocol = "annals", .seed = 1, .count = 1000, .conversations = 50000, .tenants = 1, .connections = 1, .pipeline = 1, .body = 300,
};
static volatile sig_atomic_t stopping;

static void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

static void stop(int signal) { stopping = signal; }

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

// Messages

struct message {
    uint64_t at;
    char tenant[16], conversation[16], sender[16], id[24], mark[24];
    const char *body;
    int length;
};

static char letters[LETTERS + BODY_MAX];
static double *shares;  // Of the conversations up to each, if they are not all alike.
static int *lengths, lengths_count;

// splitmix64: one-to-one, so that no id comes twice.
static uint64_t mix(uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

// One of many dice for each message.
static uint64_t draw(uint64_t number, int die) { return mix(mix(number ^ mix(options.seed)) + die); }

static void prepare_messages(void) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
    for (int place = 0; place < LETTERS + BODY_MAX; place++) letters[place] = alphabet[mix(place) % 64];
    if (options.skew > 0) {
        shares = malloc(options.conversations * sizeof *shares);
        double sum = 0;
        for (uint64_t rank = 0; rank < options.conversations; rank++) shares[rank] = sum += pow(rank + 1, -options.skew);
        for (uint64_t rank = 0; rank < options.conversations; rank++) shares[rank] /= sum;
    }
    if (!options.lengths) return;
    FILE *file = fopen(options.lengths, "r");
    if (!file) fail("%s: %s", options.lengths, strerror(errno));
    for (int length; fscanf(file, "%d", &length) == 1;) {
        if (length < 0 || length > BODY_MAX) fail("%s: a body cannot have %d bytes", options.lengths, length);
        lengths = realloc(lengths, (lengths_count + 1) * sizeof *lengths);
        lengths[lengths_count++] = length;
    }
    fclose(file);
    if (!lengths_count) fail("%s: no lengths", options.lengths);
}

static uint64_t conversation_of(uint64_t number) {
    uint64_t chance = draw(number, 1);
    if (!shares) return chance % options.conversations;
    double share = (chance >> 11) * 0x1p-53;
    uint64_t low = 0, high = options.conversations - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (shares[middle] <= share) low = middle + 1; else high = middle;
    }
    return low;
}

static void hexadecimal(char *text, uint64_t value) {
    for (int place = 15; place >= 0; place--, value >>= 4) text[place] = "0123456789abcdef"[value & 15];
    text[16] = 0;
}

static struct message message_of(uint64_t number) {
    struct message message;
    uint64_t conversation = conversation_of(number);
    message.at = options.end ? options.begin + (uint64_t)((__uint128_t)(options.end - options.begin) * number / options.whole) : 0;
    sprintf(message.tenant, "t%03u", (unsigned)(mix(conversation) % options.tenants));
    sprintf(message.conversation, "c%05u", (unsigned)conversation);
    sprintf(message.sender, "s%05u", (unsigned)(mix(conversation + draw(number, 2) % 20) % 50000));
    message.id[0] = 'm';
    hexadecimal(message.id + 1, mix(number ^ mix(options.seed)));
    hexadecimal(message.mark, draw(number, 3));
    message.length = lengths ? lengths[draw(number, 4) % lengths_count] : options.body;
    message.body = letters + draw(number, 5) % LETTERS;
    return message;
}

// The body's bytes: its mark, then letters; of a short one only as much of the mark as fits.
static char *put_body(char *place, const struct message *message) {
    int mark = message->length < 16 ? message->length : 16;
    memcpy(place, message->mark, mark);
    memcpy(place + mark, message->body, message->length - mark);
    return place + message->length;
}

static char *put_word(char *place, const char *word) {
    return place + sprintf(place, "$%zu\r\n%s\r\n", strlen(word), word);
}

static char *put_append(char *place, uint64_t number) {
    struct message message = message_of(number);
    char time[32], key[48];
    bool dated = options.end != 0;
    if (!strcmp(options.protocol, "annals")) {
        place += sprintf(place, dated ? "*8\r\n$4\r\nSEND\r\n" : "*6\r\n$4\r\nSEND\r\n");
        place = put_word(place, message.tenant);
        place = put_word(place, message.conversation);
        place = put_word(place, message.sender);
        place = put_word(place, message.id);
    } else if (!strcmp(options.protocol, "redis")) {
        // The least that keeps a body: one stream, one field, no name of anybody.
        place += sprintf(place, "*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$4\r\nbody\r\n");
    } else {
        // What a chat would keep: a stream for each conversation, with sender and message id.
        sprintf(key, "%s:%s", message.tenant, message.conversation);
        place += sprintf(place, "*9\r\n$4\r\nXADD\r\n");
        place = put_word(place, key);
        if (dated) sprintf(time, "%lu-*", message.at);
        place = put_word(place, dated ? time : "*");
        place = put_word(place, "sender");
        place = put_word(place, message.sender);
        place = put_word(place, "id");
        place = put_word(place, message.id);
        place = put_word(place, "body");
    }
    place += sprintf(place, "$%d\r\n", message.length);
    place = put_body(place, &message);
    *place++ = '\r';
    *place++ = '\n';
    if (dated && !strcmp(options.protocol, "annals")) {
        sprintf(time, "%lu", message.at);
        place = put_word(place, "AT");
        place = put_word(place, time);
    }
    return place;
}

// Bytes of the first value (answer or command), 0 if it is not complete yet.
static size_t value_length(const char *bytes, size_t size) {
    const char *line = size ? memchr(bytes, '\n', size) : NULL;
    if (!line) return 0;
    size_t head = line + 1 - bytes;
    long count = strtol(bytes + 1, NULL, 10);
    switch (bytes[0]) {
    case '+': case '-': case ':': case '_': case '#': return head;
    case '$':
        if (count < 0) return head;
        return head + count + 2 <= size ? head + count + 2 : 0;
    case '%': count *= 2;  // Fall through.
    case '*':
        for (; count > 0; count--) {
            size_t part = value_length(bytes + head, size - head);
            if (part == 0) return 0;
            head += part;
        }
        return head;
    }
    fail("an answer that begins with %.20s", bytes);
    return 0;
}

// Latencies: 128 steps for each doubling, so that a quantile is right to 0.8 %.

static uint64_t steps[64 * 128], measured;
static double longest;

static void note(double seconds) {
    uint64_t nanoseconds = seconds > 0 ? seconds * 1e9 : 0;
    int shift = nanoseconds < 128 ? 0 : 63 - __builtin_clzll(nanoseconds) - 6;
    steps[shift * 64 + (nanoseconds >> shift)]++;
    measured++;
    if (seconds > longest) longest = seconds;
}

static double quantile_ms(double share) {
    uint64_t wanted = measured * share, seen = 0;
    for (int step = 0; step < 64 * 128; step++) {
        seen += steps[step];
        if (seen > wanted || (seen == measured && seen)) {
            int shift = step < 128 ? 0 : step / 64 - 1;
            return ((double)(step - shift * 64) + 0.5) * (double)(1ull << shift) / 1e6;
        }
    }
    return 0;  // Nothing was measured.
}

static void report(double seconds, uint64_t done, double found) {
    printf("{\"requests\": %lu, \"seconds\": %.6f, \"rps\": %.1f, \"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f, \"found\": %.2f}\n",
           done, seconds, done / seconds, quantile_ms(0.5), quantile_ms(0.99), longest * 1000, found);
}

static int connected(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(options.socket) >= sizeof address.sun_path) fail("%s is too long for a socket", options.socket);
    strcpy(address.sun_path, options.socket);
    if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address)) fail("%s: %s", options.socket, strerror(errno));
    return client;
}

// Appending

struct connection {
    int socket, due;         // Answers that are still to come.
    char *out, *in;
    size_t out_size, out_sent, in_size, in_room;
    double begun;            // When the pipeline was sent, or with a rate when it was to be sent.
};
static uint64_t next_number, last_number, answered;
static double started;

static void send_more(struct connection *each, int poll) {
    while (each->out_sent < each->out_size) {
        ssize_t sent = send(each->socket, each->out + each->out_sent, each->out_size - each->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0) fail("the server has closed a connection: %s", strerror(errno));
        each->out_sent += sent;
    }
    struct epoll_event event = {.events = EPOLLIN | (each->out_sent < each->out_size ? EPOLLOUT : 0), .data.ptr = each};
    if (epoll_ctl(poll, EPOLL_CTL_MOD, each->socket, &event)) fail("epoll: %s", strerror(errno));
}

// With a rate, when the next pipeline is due; it is then late if no connection was free.
static double next_due(void) { return started + (next_number - options.from) / options.rate; }

static bool begin_pipeline(struct connection *each, int poll) {
    double moment = now();
    if (stopping || next_number >= last_number || (options.seconds > 0 && moment - started > options.seconds)) return false;
    if (options.rate > 0 && next_due() > moment) return false;
    each->begun = options.rate > 0 ? next_due() : moment;
    char *place = each->out;
    for (each->due = 0; each->due < options.pipeline && next_number < last_number; each->due++) place = put_append(place, next_number++);
    each->out_size = place - each->out;
    each->out_sent = 0;
    // Making the commands is the client's time, not the server's.
    if (options.rate == 0) each->begun = now();
    send_more(each, poll);
    return true;
}

static void receive(struct connection *each) {
    if (each->in_size == each->in_room) each->in = realloc(each->in, each->in_room *= 2);
    ssize_t got = recv(each->socket, each->in + each->in_size, each->in_room - each->in_size, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 && stopping) exit(1);
    if (got <= 0) fail("the server has closed a connection");
    each->in_size += got;
    size_t place = 0, length;
    double moment = now();
    while (place < each->in_size && (length = value_length(each->in + place, each->in_size - place)) > 0) {
        if (each->in[place] == '-') fail("refused: %.*s", (int)length, each->in + place);
        note(moment - each->begun);
        place += length;
        each->due--;
        answered++;
    }
    memmove(each->in, each->in + place, each->in_size -= place);
}

static void append(void) {
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *all = calloc(options.connections, sizeof *all);
    size_t room = lengths || options.body > 4096 ? COMMAND_MAX : options.body + 512;
    for (int index = 0; index < options.connections; index++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = all + index};
        all[index].socket = connected();
        all[index].out = malloc(room * options.pipeline);
        all[index].in = malloc(all[index].in_room = 1 << 16);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, all[index].socket, &event)) fail("epoll: %s", strerror(errno));
    }
    next_number = options.from;
    last_number = options.from + options.count;
    started = now();
    int busy = 0, first = 0;
    for (;;) {
        // Round robin, so that with a rate all connections take part.
        for (int tried = 0; busy < options.connections && tried < options.connections; tried++) {
            struct connection *each = all + first;
            first = (first + 1) % options.connections;
            if (each->due == 0) {
                if (!begin_pipeline(each, poll)) break;
                busy++;
            }
        }
        if (busy == 0 && (stopping || next_number >= last_number || (options.seconds > 0 && now() - started > options.seconds))) break;
        struct epoll_event events[64];
        double pause = options.rate > 0 && busy < options.connections ? next_due() - now() : 1;
        struct timespec patience = {.tv_sec = pause >= 1, .tv_nsec = pause > 0 && pause < 1 ? pause * 1e9 : 0};
        int count = epoll_pwait2(poll, events, 64, &patience, NULL);
        for (int index = 0; index < count; index++) {
            struct connection *each = events[index].data.ptr;
            if (events[index].events & EPOLLOUT) send_more(each, poll);
            if (!(events[index].events & ~EPOLLOUT)) continue;
            receive(each);
            if (each->due == 0) busy -= !begin_pipeline(each, poll);
        }
    }
    report(now() - started, answered, 0);
}

// Asking

static uint64_t occurrences(const char *bytes, size_t size, const char *word) {
    uint64_t found = 0;
    const char *place = bytes, *end = bytes + size;
    while ((place = memmem(place, end - place, word, strlen(word)))) found++, place++;
    return found;
}

static void ask(void) {
    FILE *file = fopen(options.file, "rb");
    if (!file) fail("%s: %s", options.file, strerror(errno));
    fseek(file, 0, SEEK_END);
    size_t size = ftell(file), room = 1 << 20;
    rewind(file);
    char *commands = malloc(size + 1), *in = malloc(room);
    if (fread(commands, 1, size, file) != size) fail("%s cannot be read", options.file);
    fclose(file);
    int client = connected();
    uint64_t done = 0, found = 0;
    double total = 0;
    for (size_t place = 0, length; place < size && !stopping; place += length) {
        length = value_length(commands + place, size - place);
        if (!length) fail("%s ends within a command", options.file);
        double begun = now();
        if (send(client, commands + place, length, MSG_NOSIGNAL) != (ssize_t)length) fail("the server has closed the connection");
        size_t got = 0;
        do {
            if (got == room) in = realloc(in, room *= 2);
            ssize_t part = recv(client, in + got, room - got, 0);
            if (part <= 0) fail("the server has closed the connection");
            got += part;
        } while (value_length(in, got) == 0);
        double took = now() - begun;
        if (in[0] == '-') fail("refused: %.*s", (int)got, in);
        note(took);
        total += took;
        found += occurrences(in, got, "\r\nbody\r\n");
        done++;
    }
    report(total, done, done ? (double)found / done : 0);
}

// Printing

static void copy(void) {
    static char body[BODY_MAX];
    for (uint64_t number = options.from; number < options.from + options.count && !stopping; number++) {
        struct message message = message_of(number);
        time_t seconds = message.at / 1000;
        struct tm moment;
        char day[16], clock[16];
        gmtime_r(&seconds, &moment);
        strftime(day, sizeof day, "%Y-%m-%d", &moment);
        strftime(clock, sizeof clock, "%H:%M:%S", &moment);
        put_body(body, &message);
        printf("%s\t%s %s.%03d+00\t%s\t%s\t%s\t%s\t%.*s\n", day, day, clock, (int)(message.at % 1000), message.tenant, message.conversation,
               message.sender, message.id, message.length, body);
    }
}

static void list(void) {
    for (uint64_t number; scanf("%lu", &number) == 1;) {
        struct message message = message_of(number);
        printf("%lu %lu %s %s %s %.*s\n", number, message.at, message.tenant, message.conversation, message.id,
               message.length < 16 ? 0 : 16, message.mark);
    }
}

static void read_options(int count, char **words) {
    for (int index = 2; index + 1 < count; index += 2) {
        const char *name = words[index], *value = words[index + 1];
        if (!strcmp(name, "--socket")) options.socket = value;
        else if (!strcmp(name, "--protocol")) options.protocol = value;  // annals, redis, redis-fields
        else if (!strcmp(name, "--file")) options.file = value;
        else if (!strcmp(name, "--lengths")) options.lengths = value;
        else if (!strcmp(name, "--seed")) options.seed = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--from")) options.from = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--count")) options.count = strtoull(value, NULL, 10);
        // How many messages lie between begin and end (ms since 1970); without an end they have no time of their own.
        else if (!strcmp(name, "--whole")) options.whole = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--begin")) options.begin = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--end")) options.end = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--conversations")) options.conversations = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--tenants")) options.tenants = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--skew")) options.skew = strtod(value, NULL);
        else if (!strcmp(name, "--connections")) options.connections = atoi(value);
        else if (!strcmp(name, "--pipeline")) options.pipeline = atoi(value);
        else if (!strcmp(name, "--body")) options.body = atoi(value);
        else if (!strcmp(name, "--rate")) options.rate = strtod(value, NULL);        // Appends a second; 0: as many as go.
        else if (!strcmp(name, "--seconds")) options.seconds = strtod(value, NULL);  // Ends then, if not before.
        else fail("unknown option %s", name);
    }
    if (options.connections < 1 || options.pipeline < 1 || options.body < 0 || options.body > BODY_MAX || options.conversations < 1 ||
        options.tenants < 1) fail("a number makes no sense");
    if (options.whole < 1) options.whole = options.count > 0 ? options.count : 1;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    read_options(count, words);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prepare_messages();
    if (!strcmp(mode, "append") && options.socket) append();
    else if (!strcmp(mode, "ask") && options.socket && options.file) ask();
    else if (!strcmp(mode, "copy") && options.end) copy();
    else if (!strcmp(mode, "list")) list();
    else fail("usage: load append|ask|copy|list OPTIONS; see the top of load.c");
    return 0;
}
