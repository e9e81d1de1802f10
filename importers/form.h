/*
 * Forms of log messages: what a program writes around the names that others
 * choose. A message fits a form as a whole or not at all.
 *
 *   "Invalid user %U from %i port %n"
 *
 * %a..%z is a word: no blank in it, ending before the form's next byte; not
 * empty, but for %b %e %r. %n is digits. %A..%Z is text of any kind, not empty
 * but for %X; a form has at most one of these, so that what stands before it
 * is found from the front and what stands after it from the back, and nothing
 * in the text can move either. %u and %U give the same field 'u'.
 */
#pragma once

#include "base/str.h"

enum { FORM_FIELDS = 10 };

struct form {
    struct {
        char letter; /* lower case */
        struct str value;
    } v[FORM_FIELDS];
    unsigned n;
};

bool form_fits(const char *form, struct str message, struct form *out);
/* The first field of that letter, else empty. */
struct str form_get(const struct form *f, char letter);
