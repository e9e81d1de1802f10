/* Bytes of evidence, by a sealed reader. */
#pragma once

#include "cli/exhibit_files.h"
#include "evidence/reader.h"

struct raw {
    struct exhibit_files files;
    struct reader *reader;
};

int raw_open(struct raw *r, struct casedb *c, struct err *err) CHECKED;
void raw_close(struct raw *r);
/* Up to READER_READ_MAX bytes of a member's innermost layer, in the arena. */
int raw_read(struct raw *r, const struct member *m, uint64_t off, uint64_t len,
             struct arena *a, struct reader_got *got, struct err *err) CHECKED;
/* 16 bytes a line with their offsets. */
void raw_hex(struct cli *cli, struct str bytes, uint64_t off);
/* "12 bytes could not be read (shown as zeros)", per gap. */
void raw_gaps(struct cli *cli, const struct reader_got *got);
