/* Disk and volume images. */
#pragma once

#include "importers/importer.h"

extern const struct importer importers_disk;
