#include "CSHA256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t beginning[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// A message as it is hashed, in whole blocks, and where its digest goes.
struct lane {
    size_t number;
    unsigned left;
    uint8_t bytes[(1 + sha256_lane_bytes_max + 9 + 63) / 64 * 64];
};

// FIPS 180-4, section 5.1.1.
static void pad(struct lane *lane, const struct sha256_message *message, size_t number) {
    if (message->count > sha256_lane_bytes_max) abort();
    size_t length = 1 + message->count;
    lane->number = number;
    lane->left = (unsigned)((length + 9 + 63) / 64);
    lane->bytes[0] = message->prefix;
    if (message->count > 0) memcpy(lane->bytes + 1, message->bytes, message->count);
    size_t end = 64 * (size_t)lane->left;
    memset(lane->bytes + length, 0, end - length);
    lane->bytes[length] = 0x80;
    uint64_t bits = __builtin_bswap64(8 * (uint64_t)length);
    memcpy(lane->bytes + end - 8, &bits, 8);
}

#define SWAPPED(x) ((x) >> 24 | ((x) >> 8 & 0xff00) | ((x) << 8 & 0xff0000) | (x) << 24)

#define LANES 8
#define NAME(name) name##_8
#define TARGET __attribute__((target("avx2")))
#define INTERLEAVE_LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define INTERLEAVE_HIGH(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#include "lanes.h"
#undef LANES
#undef NAME
#undef TARGET
#undef INTERLEAVE_LOW
#undef INTERLEAVE_HIGH

#define LANES 16
#define NAME(name) name##_16
#define TARGET __attribute__((target("avx512f,avx512bw")))
#define INTERLEAVE_LOW(x, y) __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_HIGH(x, y) __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#include "lanes.h"

unsigned sha256_lanes_most(void) {
    // These ask the system as well, whether it keeps the registers.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) return 16;
    return __builtin_cpu_supports("avx2") ? 8 : 0;
}

unsigned sha256_lanes(void) {
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && b & 1u << 29) return 0;
    return sha256_lanes_most();
}

void sha256_many(unsigned lanes, const struct sha256_message *messages, size_t count, uint8_t *digests) {
    if (lanes > sha256_lanes_most()) abort();
    if (lanes == 16) return many_16(messages, count, digests);
    if (lanes == 8) return many_8(messages, count, digests);
    abort();
}

#else

#include <stdlib.h>

unsigned sha256_lanes_most(void) { return 0; }
unsigned sha256_lanes(void) { return 0; }
void sha256_many(unsigned lanes, const struct sha256_message *messages, size_t count, uint8_t *digests) { abort(); }

#endif
