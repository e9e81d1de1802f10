/* The key table: no key means two things on one screen, all names can be
 * read, and docs/tui.md has the table as it is. */
#include "tests/tap.h"

#include "tui/keymap.h"
#include "tui/screen.h"

#include <stdio.h>

START_TEST(all_names_are_keys)
{
    for (const struct key_row *r = keymap; r->keys; r++) {
        struct str name;
        size_t at = 0, n = 0;
        for (; keymap_next(str_from(r->keys), &at, &name); n++)
            ck_assert_msg(keymap_parse(name) != KEY_NONE, "%.*s",
                          STR_ARG(name));
        ck_assert_uint_gt(n, 0);
        ck_assert_ptr_nonnull(r->help);
        ck_assert_uint_ne(r->action, ACTION_NONE);
    }
}
END_TEST

/* Which rows a key has on a screen. */
static unsigned meanings(uint32_t key, unsigned can)
{
    unsigned n = 0;
    for (const struct key_row *r = keymap; r->keys; r++) {
        struct str name;
        size_t at = 0;
        while (keymap_row_applies(r, can) &&
               keymap_next(str_from(r->keys), &at, &name))
            n += keymap_parse(name) == key;
    }
    return n;
}

START_TEST(no_key_means_two_things)
{
    for (size_t i = 0; screens[i]; i++)
        for (const struct key_row *r = keymap; r->keys; r++) {
            struct str name;
            size_t at = 0;
            while (keymap_next(str_from(r->keys), &at, &name)) {
                uint32_t key = keymap_parse(name);
                ck_assert_msg(meanings(key, screens[i]->can) <= 1, "%.*s on %s",
                              STR_ARG(name), screens[i]->name);
            }
        }
}
END_TEST

START_TEST(screens_have_names_of_their_own)
{
    for (size_t i = 0; screens[i]; i++) {
        ck_assert_ptr_eq(screen_named(screens[i]->name), screens[i]);
        ck_assert(screens[i]->draw != NULL);
        ck_assert_ptr_nonnull(screens[i]->about);
        if (screens[i]->key)
            ck_assert_ptr_eq(screen_of_key(screens[i]->key), screens[i]);
    }
}
END_TEST

/* Flow control takes these. */
START_TEST(no_key_is_unsafe)
{
    ck_assert_ptr_null(keymap_find('S' - '@', ~0u));
    ck_assert_ptr_null(keymap_find('Q' - '@', ~0u));
}
END_TEST

START_TEST(the_manual_has_the_table)
{
    struct buf table = { 0 }, doc = { 0 };
    keymap_markdown(&table);
    FILE *f = fopen(tap_path("docs/tui.md"), "r");
    ck_assert_ptr_nonnull(f);
    ck_assert(buf_reserve(&doc, 1 << 18));
    doc.n = fread(doc.p, 1, 1 << 18, f);
    fclose(f);
    if (str_find(buf_str(&doc), buf_str(&table)) == SIZE_MAX)
        ck_abort_msg("docs/tui.md lacks the table of keys:\n%.*s",
                     STR_ARG(buf_str(&table)));
    buf_free(&table);
    buf_free(&doc);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("keymap");
    tap_case(s, "names", all_names_are_keys);
    tap_case(s, "conflicts", no_key_means_two_things);
    tap_case(s, "screens", screens_have_names_of_their_own);
    tap_case(s, "unsafe", no_key_is_unsafe);
    tap_case(s, "manual", the_manual_has_the_table);
    return s;
}
