/* The readers behind evidence/container.h, one file each. What they return
 * has container_info(); ERR_EVIDENCE says why there is nothing to read. */
#pragma once

#include "evidence/container.h"

struct source *qcow_open(struct source *s, struct err *err);
struct source *vhd_open(struct source *s, struct err *err);
struct source *vhdx_open(struct source *s, struct err *err);
/* s may be split: the descriptor, then its extents in order. */
struct source *vmdk_source_open(struct source *s, struct err *err);

/* 512 bytes: is this the footer of a VHD, with a right checksum? */
bool vhd_footer_fits(struct str footer);
