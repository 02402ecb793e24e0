#include <lmdb.h>
#include <malloc.h>   // mallopt, which Swift's own Glibc module leaves out
#include <sys/vfs.h>  // statfs, which it leaves out as well

// fcntl.h has it for GNU programs alone.
int sync_file_range(int file, __off64_t offset, __off64_t bytes, unsigned int flags);

// Swift's Glibc module leaves it out: fcntl.h declares it for _GNU_SOURCE alone.
#include <sys/types.h>
extern int fallocate(int descriptor, int mode, off_t offset, off_t length);
