/* The filter of a list: its parts as chips, adding and taking away. */
#include "tui/app.h"
#include "tui/elist.h"
#include "tui/terms.h"

#include <stdio.h>

enum { PARTS = 16 };

bool elist_terms_draw(const struct elist *l, struct pen *p, int cells)
{
    struct str filter = buf_str(&l->filter);
    struct part parts[PARTS];
    size_t n = terms_split(filter, parts, PARTS);
    for (size_t i = 0; i < n; i++) {
        p->style = STYLE_PLAIN;
        if (n > 1)
            pen_f(p, "%zu", i + 1);
        p->style = STYLE_CHIP;
        pen_z(p, "[");
        pen_text(p, str_sub(filter, parts[i].from, parts[i].to - parts[i].from),
                 cells);
        pen_z(p, "]");
        p->style = STYLE_PLAIN;
        pen_z(p, " ");
    }
    return n > 0;
}

void elist_terms_load(struct elist *l)
{
    const struct row *r = elist_current(l);
    struct hit at = r ? row_hit(r) : (struct hit){ 0 };
    l->refused = (struct refusal){ .column = -1 };
    elist_load(l, r ? &at : NULL);
}

bool elist_terms_add(struct elist *l, bool without)
{
    unsigned kind;
    uint32_t id;
    struct str value;
    if (!elist_value(l, &kind, &id, &value) || !id) {
        app_say(l->v->app, STYLE_WARN, "there is no value under the cursor");
        return false;
    }
    terms_add(&l->filter, without, field_names[elist_field(l)], value);
    return true;
}

bool elist_terms_unchip(struct elist *l)
{
    struct part parts[PARTS];
    size_t n = terms_split(buf_str(&l->filter), parts, PARTS);
    if (n == 0)
        app_say(l->v->app, STYLE_WARN, "there is no filter");
    else if (n > 1)
        app_ask(l->v, ASK_UNCHIP, "take away part number (0 = all)", STR(""));
    else
        buf_clear(&l->filter);
    return n == 1;
}

bool elist_terms_set(struct elist *l, struct str text, struct refusal *no)
{
    if (!terms_check(text, no))
        return false;
    buf_clear(&l->filter);
    buf_put(&l->filter, str_trim(text));
    return true;
}

bool elist_terms_take_away(struct elist *l, struct str text, struct refusal *no)
{
    uint64_t i;
    struct part parts[PARTS];
    size_t n = terms_split(buf_str(&l->filter), parts, PARTS);
    if (!str_u64(str_trim(text), &i) || i > n) {
        snprintf(no->why, sizeof(no->why), "1 to %zu, or 0 for all", n);
        return false;
    }
    if (i == 0)
        buf_clear(&l->filter);
    else
        terms_remove(&l->filter, (size_t)i - 1);
    return true;
}
