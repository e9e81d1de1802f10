/* Members of a tar: inside the file or flagged, in order, readable. */
#include "tests/fuzz/members.h"
#include "tests/fuzz/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_members(data, size, ARCHIVE_TAR);
    return 0;
}
