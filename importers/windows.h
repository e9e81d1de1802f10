/*
 * What Windows writes into its logs and registry: UTF-16 text, FILETIME, SID,
 * GUID. Bytes from evidence; every reader is bounded by what it is given.
 */
#pragma once

#include "base/str.h"
#include "base/time.h"

/* UTF-16LE as UTF-8, whole; a surrogate without its partner comes in its
 * three-byte form, half a unit at the end is left out. */
void windows_utf16(struct buf *out, struct str s);
/* The same up to the first NUL, as text of the arena; p NULL: no memory. */
struct str windows_text(struct arena *a, struct str s);
/* 100 ns since 1601-01-01, the whole range. */
struct instant windows_filetime(uint64_t v);
/* The name of an account that every Windows has, else the SID itself. */
struct str windows_sid_name(struct str sid);
enum { WINDOWS_SID_TEXT = 208, WINDOWS_GUID_TEXT = 37 };
/* "S-1-5-21-..": length; 0: no SID. used: bytes of it. */
size_t windows_sid(char out[WINDOWS_SID_TEXT], struct str s, size_t *used);
/* "8-4-4-4-12" in lower-case hexadecimal, ends in NUL. */
void windows_guid(char out[WINDOWS_GUID_TEXT], const void *p16);
/* The program of a command line: what stands in quotes, or up to the first
 * ".exe" and the like that a blank follows. */
struct str windows_program(struct str command);
/* "alice" of Users/alice/.., Documents and Settings/alice/..; else none. */
struct str windows_user(struct str path);
/* The part after the last backslash or slash. */
struct str windows_base(struct str path);
