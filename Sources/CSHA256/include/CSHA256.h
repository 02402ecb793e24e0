// SHA-256 (FIPS 180-4) of many short messages side by side: one in each lane of a vector register.
//
// A processor without instructions for SHA-256 hashes sixteen short messages in little more time than one. Nothing here is for secrets that
// must not be told by time: how long it takes depends on lengths alone, and the lengths are no secret.
#ifndef CSHA256_H
#define CSHA256_H

#include <stddef.h>
#include <stdint.h>

// One message: a byte, and `count` more.
struct sha256_message {
    const void *bytes;
    size_t count;
    uint8_t prefix;
};

// More than this is hashed one by one, which costs a long message nothing.
enum { sha256_lane_bytes_max = 1014 };

// How many messages this processor hashes side by side: 16 with AVX-512, 8 with AVX2, and 0 where one by one is as fast, which it is
// where there are instructions for SHA-256, or where there is no code for the processor.
unsigned sha256_lanes(void);

// The same, whatever instructions for SHA-256 there are: for tests.
unsigned sha256_lanes_most(void);

// Writes 32 bytes for each message to `digests`. `lanes` is 8 or 16, and no more than `sha256_lanes_most`; no message has more than
// `sha256_lane_bytes_max` bytes behind its first.
void sha256_many(unsigned lanes, const struct sha256_message *messages, size_t count, uint8_t *digests);

#endif
