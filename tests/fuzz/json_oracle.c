/* In a file of its own: jansson's header and base/json.h name the same. */
#include "tests/fuzz/json_oracle.h"

#include "config.h"

#ifdef HAVE_JANSSON

#include <jansson.h>
#include <string.h>

enum oracle_says json_oracle(const char *p, size_t n)
{
    json_error_t error;
    /* it takes a NUL after a number for the end of a string of C */
    if (n && memchr(p, 0, n))
        return ORACLE_NOTHING;
    json_t *value = json_loadb(p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value) {
        json_decref(value);
        return ORACLE_GOOD;
    }
    switch (json_error_code(&error)) {
    case json_error_numeric_overflow:
    case json_error_out_of_memory:
    case json_error_stack_overflow:
    /* it decodes keys into C strings */
    case json_error_null_byte_in_key:
        return ORACLE_NOTHING;
    default:
        return ORACLE_BAD;
    }
}

#else

enum oracle_says json_oracle(const char *p, size_t n)
{
    (void)p;
    (void)n;
    return ORACLE_NOTHING;
}

#endif
