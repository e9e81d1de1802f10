#include "importers/evtx_event.h"

#include <stdio.h>

enum {
    AT_EVENT = 1,
    AT_GROUP = 2, /* System, EventData, UserData */
    AT_FIELD = 3,
};

struct walk {
    struct evtx_event *e;
    unsigned depth;
    bool system, data; /* inside System, EventData */
    struct str element;
    struct str name; /* attribute Name of a Data element */
    unsigned unnamed;
};

static const char *const numbers[] = { "1",  "2",  "3",  "4",  "5",  "6",  "7",
                                       "8",  "9",  "10", "11", "12", "13", "14",
                                       "15", "16", "17", "18", "19", "20" };
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static unsigned small(struct str s)
{
    uint64_t v = 0;
    return str_u64(s, &v) && v <= UINT16_MAX ? (unsigned)v : 0;
}

static void system_attribute(struct evtx_event *e, struct str element,
                             const struct binxml_part *p)
{
    if (str_eq(element, STR("Provider")) && str_eq(p->name, STR("Name")))
        e->provider = p->value;
    else if (str_eq(element, STR("Provider")) && e->provider.n == 0 &&
             str_eq(p->name, STR("EventSourceName")))
        e->provider = p->value;
    else if (str_eq(element, STR("Security")) && str_eq(p->name, STR("UserID")))
        e->user_sid = p->value;
    else if (str_eq(element, STR("Correlation")) &&
             str_eq(p->name, STR("ActivityID")))
        e->activity = p->value;
    else if (str_eq(element, STR("TimeCreated")) &&
             str_eq(p->name, STR("SystemTime")) && p->type == BINXML_FILETIME) {
        e->has_time = true;
        e->filetime = p->number;
    }
}

static void system_text(struct evtx_event *e, struct str element,
                        struct str value)
{
    if (str_eq(element, STR("EventID")))
        e->id = small(value);
    else if (str_eq(element, STR("Level")))
        e->level = small(value);
    else if (str_eq(element, STR("Channel")))
        e->channel = value;
    else if (str_eq(element, STR("Computer")))
        e->computer = value;
}

static void add(struct evtx_event *e, struct str name, struct str value)
{
    if (e->n == EVTX_FIELDS) {
        e->cut = true;
        return;
    }
    e->field[e->n++] = (struct evtx_field){ name, value };
}

static void data_text(struct walk *w, struct str value)
{
    struct str name = w->element;
    if (str_eq(name, STR("Data"))) {
        name = w->name;
        if (name.n == 0)
            name =
                str_from(w->unnamed < NUMBERS ? numbers[w->unnamed] : "Data");
        w->unnamed++;
    }
    add(w->e, name, value);
}

static void opened(struct walk *w, const struct binxml_part *p)
{
    w->depth++;
    if (w->depth == AT_GROUP) {
        w->system = str_eq(p->name, STR("System"));
        w->data = !w->system;
    }
    w->element = p->name;
    w->name = STR_NONE;
}

static void attribute(struct walk *w, const struct binxml_part *p)
{
    if (w->system && w->depth == AT_FIELD)
        system_attribute(w->e, w->element, p);
    else if (w->data && w->depth >= AT_FIELD &&
             str_eq(w->element, STR("Data")) && str_eq(p->name, STR("Name")))
        w->name = p->value;
    else if (w->data && w->depth >= AT_FIELD &&
             !str_starts(p->name, STR("xmlns")))
        add(w->e, p->name, p->value);
}

bool evtx_event_read(struct evtx_event *e, const struct binxml *x)
{
    struct walk w = { .e = e };
    e->provider = e->channel = e->computer = e->user_sid = STR_NONE;
    e->activity = STR_NONE;
    e->id = e->level = 0;
    e->has_time = e->cut = false;
    e->n = 0;
    if (x->n == 0 || x->v[0].kind != BINXML_OPEN ||
        !str_eq(x->v[0].name, STR("Event")))
        return false;
    for (size_t i = 0; i < x->n; i++) {
        const struct binxml_part *p = &x->v[i];
        if (p->kind == BINXML_OPEN) {
            opened(&w, p);
        } else if (p->kind == BINXML_CLOSE) {
            if (w.data && w.depth >= AT_FIELD && i &&
                str_eq(w.element, STR("Data")) &&
                x->v[i - 1].kind != BINXML_TEXT &&
                x->v[i - 1].kind != BINXML_CLOSE)
                data_text(&w, STR("")); /* keeps the count of unnamed ones */
            w.depth--;
            w.element = STR_NONE;
        } else if (p->kind == BINXML_ATTR) {
            attribute(&w, p);
        } else if (w.system && w.depth == AT_FIELD) {
            system_text(e, w.element, p->value);
        } else if (w.data && w.depth >= AT_GROUP) {
            data_text(&w, p->value);
        }
    }
    return true;
}

struct str evtx_event_field(const struct evtx_event *e, const char *name)
{
    for (size_t i = 0; name && i < e->n; i++)
        if (str_eq(e->field[i].name, str_from(name)))
            return e->field[i].value;
    return STR("");
}
