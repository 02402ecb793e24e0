#include <lmdb.h>
#include <sys/vfs.h>  // statfs, which Swift's own Glibc module leaves out
