/* What holds for the members of any archive, whatever the bytes. */
#pragma once

#include "evidence/archive.h"

void check_members(const uint8_t *data, size_t size, enum archive_kind kind);
