#include <lmdb.h>
#include <malloc.h>   // mallopt, which Swift's own Glibc module leaves out
#include <sys/vfs.h>  // statfs, which it leaves out as well
