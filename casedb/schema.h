/* The tables of the case file, as text; docs/case-format.md explains them. */
#pragma once

enum { CASE_APPLICATION_ID = 0x4B414E53 /* "KANS" */, CASE_USER_VERSION = 3 };

/* One statement per element, in order, NULL-ended. */
extern const char *const case_schema[];
