// SHA-256 in LANES lanes, for one instruction set. Included for each, with LANES, TARGET and NAME defined.

typedef uint32_t NAME(vector) __attribute__((vector_size(4 * LANES)));

// Turns the words that each lane's block has into vectors that have one word of each lane, high byte first.
//
// What is in rows goes into columns by interleaving each row of the upper half with the one that is half of all rows below it, as often as
// halving the rows takes to come to one.
TARGET static inline __attribute__((always_inline)) void NAME(turn)(NAME(vector) words[LANES]) {
    for (unsigned step = LANES; step > 1; step /= 2) {
        NAME(vector) mixed[LANES];
        for (unsigned row = 0; row < LANES / 2; row++) {
            mixed[2 * row] = INTERLEAVE_LOW(words[row], words[row + LANES / 2]);
            mixed[2 * row + 1] = INTERLEAVE_HIGH(words[row], words[row + LANES / 2]);
        }
        memcpy(words, mixed, sizeof mixed);
    }
}

TARGET static inline __attribute__((always_inline)) void NAME(load)(NAME(vector) words[16], const uint8_t *const blocks[LANES]) {
    for (unsigned part = 0; part < 16; part += LANES) {
        for (unsigned lane = 0; lane < LANES; lane++) memcpy(&words[part + lane], blocks[lane] + 4 * part, 4 * LANES);
        NAME(turn)(words + part);
    }
    for (unsigned word = 0; word < 16; word++) words[word] = SWAPPED(words[word]);
}

#define ROTATED(x, n) ((x) >> (n) | (x) << (32 - (n)))

// One block of each lane.
TARGET static void NAME(compress)(uint32_t state[8][LANES], const uint8_t *const blocks[LANES]) {
    NAME(vector) w[16], a, b, c, d, e, f, g, h, start[8];
    memcpy(start, state, sizeof start);
    NAME(load)(w, blocks);
    a = start[0], b = start[1], c = start[2], d = start[3], e = start[4], f = start[5], g = start[6], h = start[7];
    for (unsigned part = 0; part < 64; part += 16) {
#pragma clang loop unroll(full)
        for (unsigned index = 0; index < 16; index++) {
            if (part > 0) {
                NAME(vector) near = w[(index + 14) % 16], far = w[(index + 1) % 16];
                w[index] += (ROTATED(near, 17) ^ ROTATED(near, 19) ^ near >> 10) + w[(index + 9) % 16]
                    + (ROTATED(far, 7) ^ ROTATED(far, 18) ^ far >> 3);
            }
            NAME(vector) one = h + (ROTATED(e, 6) ^ ROTATED(e, 11) ^ ROTATED(e, 25)) + (g ^ (e & (f ^ g))) + constants[part + index] + w[index];
            NAME(vector) two = (ROTATED(a, 2) ^ ROTATED(a, 13) ^ ROTATED(a, 22)) + ((a & b) | (c & (a | b)));
            h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
        }
    }
    start[0] += a, start[1] += b, start[2] += c, start[3] += d, start[4] += e, start[5] += f, start[6] += g, start[7] += h;
    memcpy(state, start, sizeof start);
}

// A lane that is through with its message takes the next one, so that messages of all lengths keep all lanes busy.
static void NAME(many)(const struct sha256_message *messages, size_t count, uint8_t *digests) {
    static const uint8_t nothing[64];
    uint32_t state[8][LANES] __attribute__((aligned(64)));
    struct lane lanes[LANES];
    const uint8_t *blocks[LANES];
    size_t begun = 0, done = 0;
    for (unsigned lane = 0; lane < LANES; lane++) {
        lanes[lane].left = 0;
        blocks[lane] = nothing;
    }
    while (done < count) {
        for (unsigned lane = 0; lane < LANES; lane++) {
            if (lanes[lane].left > 0) {
                blocks[lane] += 64;
            } else if (begun < count) {
                pad(&lanes[lane], &messages[begun], begun);
                begun++;
                blocks[lane] = lanes[lane].bytes;
                for (unsigned word = 0; word < 8; word++) state[word][lane] = beginning[word];
            } else {
                blocks[lane] = nothing;
            }
        }
        NAME(compress)(state, blocks);
        for (unsigned lane = 0; lane < LANES; lane++) {
            if (lanes[lane].left == 0 || --lanes[lane].left > 0) continue;
            uint8_t *digest = digests + 32 * lanes[lane].number;
            for (unsigned word = 0; word < 8; word++) {
                uint32_t part = __builtin_bswap32(state[word][lane]);
                memcpy(digest + 4 * word, &part, 4);
            }
            done++;
        }
    }
}

#undef ROTATED
