/*
 * What content looks like, by libmagic, from its first bytes: "ELF 64-bit LSB
 * executable, x86-64, ..". The database is read before the worker is sealed;
 * nothing is opened, run or unpacked for an answer.
 */
#pragma once

#include "base/str.h"

enum { FILE_TYPE_HEAD = 64 << 10, FILE_TYPE_MAX = 200 };

struct file_types;
/* NULL: no database. */
struct file_types *file_types_open(void);
void file_types_close(struct file_types *t); /* NULL is fine */
/* Of at most FILE_TYPE_HEAD bytes; UTF-8 without controls, at most
 * FILE_TYPE_MAX bytes, valid until the next call; empty: it cannot be told. */
struct str file_type_of(struct file_types *t, struct str head);
