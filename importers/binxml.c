#include "importers/binxml.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"
#include "importers/windows.h"

enum {
    DEPTH = 64, /* elements within each other */
    FRAMES = 8, /* templates and fragments within each other */
    RECORD_STEPS = 1 << 16,
    RECORD_TEXT = 1 << 20,
    CHUNK_STEPS = 1 << 20,
    CHUNK_TEXT = 16 << 20,
    MORE = 0x40, /* flag of a token */
    ARRAY = 0x80,
    /* In front of a template's tokens: next one, GUID, length. */
    TEMPLATE_HEAD = 24,
};

enum token {
    END = 0x00,
    OPEN = 0x01,
    CLOSE_START = 0x02,
    CLOSE_EMPTY = 0x03,
    CLOSE = 0x04,
    VALUE = 0x05,
    ATTRIBUTE = 0x06,
    CDATA = 0x07,
    CHARACTER = 0x08,
    ENTITY = 0x09,
    PI_TARGET = 0x0a,
    PI_DATA = 0x0b,
    TEMPLATE = 0x0c,
    SUBSTITUTE = 0x0d,
    OPTIONAL = 0x0e,
    FRAGMENT = 0x0f,
};

struct value {
    uint32_t at;
    uint16_t n;
    uint8_t type;
};

struct frame {
    size_t at, end;
    const struct value *values; /* NULL: no template */
    size_t n_values;
    bool bare; /* of a value: elements have no dependency id */
};

/* An element whose end has not come. */
struct open {
    size_t part;   /* its BINXML_OPEN */
    bool optional; /* all that it has were values, and those were absent */
};

struct reader {
    struct binxml *x;
    struct str chunk;
    struct frame frame[FRAMES];
    size_t n_frames;
    struct open open[DEPTH];
    size_t n_open;
    bool in_start;    /* between the name and the end of the start tag */
    size_t attribute; /* part that is being given a value, or SIZE_MAX */
    bool attribute_absent;
    bool done; /* the outermost element has ended */
    uint32_t steps, text;
    int rc;
};

void binxml_chunk(struct binxml *x)
{
    x->steps = CHUNK_STEPS;
    x->text = CHUNK_TEXT;
}

void binxml_free(struct binxml *x)
{
    free(x->v);
    x->v = NULL;
    x->n = x->cap = 0;
}

/* ---- what every part of it uses ------------------------------------------ */

static bool fail(struct reader *r, const char *why)
{
    if (!r->rc) {
        r->rc = BINXML_DAMAGED;
        r->x->why = why;
    }
    return false;
}

static bool no_memory(struct reader *r)
{
    r->rc = BINXML_NO_MEMORY;
    r->x->why = "out of memory";
    return false;
}

static bool spend(struct reader *r, uint32_t *left, uint32_t *all, size_t n)
{
    if (n > *left || n > *all)
        return fail(r, "it costs more than any real record");
    *left -= (uint32_t)n;
    *all -= (uint32_t)n;
    return true;
}

static struct frame *top(struct reader *r)
{
    return &r->frame[r->n_frames - 1];
}

/* The next n bytes; NULL: it ends before. */
static const char *take(struct reader *r, size_t n)
{
    struct frame *f = top(r);
    if (n > f->end - f->at) {
        fail(r, "it ends within a token");
        return NULL;
    }
    const char *p = r->chunk.p + f->at;
    f->at += n;
    return p;
}

static bool push(struct reader *r, struct frame f)
{
    if (r->n_frames == FRAMES)
        return fail(r, "too many templates within each other");
    r->frame[r->n_frames++] = f;
    return true;
}

static struct binxml_part *part(struct reader *r, enum binxml_kind kind)
{
    struct binxml *x = r->x;
    if (x->n == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 256;
        struct binxml_part *v = realloc(x->v, cap * sizeof *v);
        if (!v) {
            no_memory(r);
            return NULL;
        }
        x->v = v;
        x->cap = cap;
    }
    x->v[x->n] = (struct binxml_part){ .kind = (uint8_t)kind };
    return &x->v[x->n++];
}

/* UTF-16 of the arena. */
static bool text_of(struct reader *r, struct str utf16, struct str *out)
{
    if (!spend(r, &r->text, &r->x->text, utf16.n / 2 * 3))
        return false;
    *out = windows_text(r->x->arena, utf16);
    return out->p || no_memory(r);
}

/* A name: its offset in the chunk; when that is here, it follows. */
static bool name_of(struct reader *r, struct str *out)
{
    enum { HEAD = 8 }; /* next name, hash, length */
    const char *p = take(r, 4);
    if (!p)
        return false;
    size_t at = u32le(p);
    if (at > r->chunk.n || r->chunk.n - at < HEAD)
        return fail(r, "a name lies outside its chunk");
    size_t n = (size_t)u16le(r->chunk.p + at + 6) * 2;
    if (n > r->chunk.n - at - HEAD)
        return fail(r, "a name lies outside its chunk");
    if (at == top(r)->at && !take(r, HEAD + n + 2))
        return false;
    return text_of(r, str_sub(r->chunk, at + HEAD, n), out);
}

/* ---- values -------------------------------------------------------------- */

enum { VALUE_TEXT = 400 };

static size_t size_of_type(unsigned type, size_t n)
{
    static const uint8_t sizes[] = {
        [0x03] = 1, [0x04] = 1,  [0x05] = 2, [0x06] = 2,
        [0x07] = 4, [0x08] = 4,  [0x09] = 8, [0x0a] = 8,
        [0x0b] = 4, [0x0c] = 8,  [0x0d] = 4, [0x0f] = 16,
        [0x11] = 8, [0x12] = 16, [0x14] = 4, [0x15] = 8,
    };
    if (type == 0x10)
        return n == 4 ? 4 : 8;
    return type < sizeof sizes ? sizes[type] : 0;
}

static double real(uint64_t bits, size_t n)
{
    double d;
    float f;
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, sizeof f);
    memcpy(&d, &bits, sizeof d);
    return n == 4 ? (double)f : d;
}

static size_t system_time(char *out, const char *p)
{
    return (size_t)snprintf(out, VALUE_TEXT,
                            "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", u16le(p),
                            u16le(p + 2), u16le(p + 6), u16le(p + 8),
                            u16le(p + 10), u16le(p + 12), u16le(p + 14));
}

/* A value of fixed size (n bytes) as text. */
static size_t fixed(char *out, unsigned type, const char *p, size_t n)
{
    uint64_t u = n == 1   ? (unsigned char)p[0]
                 : n == 2 ? u16le(p)
                 : n == 4 ? u32le(p)
                          : u64le(p);
    unsigned shift = 64 - 8 * (unsigned)(n < 8 ? n : 8);
    int64_t i = (int64_t)(u << shift) >> shift;
    switch (type) {
    case 0x03:
    case 0x05:
    case 0x07:
    case 0x09:
        return (size_t)snprintf(out, VALUE_TEXT, "%lld", (long long)i);
    case 0x0b:
    case 0x0c:
        return (size_t)snprintf(out, VALUE_TEXT, "%f", real(u, n));
    case 0x0d:
        return (size_t)snprintf(out, VALUE_TEXT, "%s", u ? "true" : "false");
    case 0x0f:
        out[0] = '{';
        windows_guid(out + 1, p);
        for (size_t k = 1; k < WINDOWS_GUID_TEXT; k++)
            if (out[k] >= 'a' && out[k] <= 'f')
                out[k] = (char)(out[k] - 'a' + 'A');
        out[WINDOWS_GUID_TEXT] = '}';
        return WINDOWS_GUID_TEXT + 1;
    case 0x11: {
        char t[TIME_TEXT_MAX];
        size_t len = time_format(t, windows_filetime(u), 9, 0);
        memcpy(out, t, len);
        return len;
    }
    case 0x12:
        return system_time(out, p);
    case 0x10:
    case 0x14:
    case 0x15:
        return (size_t)snprintf(out, VALUE_TEXT, "0x%llx",
                                (unsigned long long)u);
    default:
        return (size_t)snprintf(out, VALUE_TEXT, "%llu", (unsigned long long)u);
    }
}

static bool hex_value(struct reader *r, struct str s, struct str *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!spend(r, &r->text, &r->x->text, 2 * s.n))
        return false;
    char *p = arena_alloc(r->x->arena, 2 * s.n + 1);
    if (!p)
        return no_memory(r);
    for (size_t i = 0; i < s.n; i++) {
        p[2 * i] = digits[(unsigned char)s.p[i] >> 4];
        p[2 * i + 1] = digits[s.p[i] & 15];
    }
    *out = (struct str){ p, 2 * s.n };
    return true;
}

/* One value, no array. */
static bool value_of(struct reader *r, unsigned type, struct str s,
                     struct binxml_part *out)
{
    char tmp[VALUE_TEXT];
    size_t n = 0, used, size = size_of_type(type, s.n);
    out->type = (uint8_t)type;
    if (s.n == 0 || type == 0x00)
        return true;
    if (type == BINXML_STRING)
        return text_of(r, s, &out->value);
    if (type == 0x0e)
        return hex_value(r, s, &out->value);
    if (type == 0x02) { /* in some code page: shown as it is */
        const char *end = memchr(s.p, 0, s.n);
        out->value = str_sub(s, 0, end ? (size_t)(end - s.p) : s.n);
        return true;
    }
    if (type == BINXML_SID)
        n = windows_sid(tmp, s, &used);
    else if (size && s.n >= size)
        n = fixed(tmp, type, s.p, size);
    if (type == BINXML_FILETIME && n)
        out->number = u64le(s.p);
    if (n == 0)
        return hex_value(r, s, &out->value);
    if (!spend(r, &r->text, &r->x->text, n))
        return false;
    out->value = arena_copy(r->x->arena, (struct str){ tmp, n });
    return out->value.p || no_memory(r);
}

/* The next of an array's values; false: none left. */
static bool array_next(unsigned type, struct str *rest, struct str *item)
{
    size_t size = size_of_type(type, 8), n = 0, used = 0;
    char sid[WINDOWS_SID_TEXT];
    if (rest->n == 0)
        return false;
    if (type == BINXML_STRING) {
        while (n + 2 <= rest->n && (rest->p[n] || rest->p[n + 1]))
            n += 2;
        used = n + 2 <= rest->n ? n + 2 : rest->n;
    } else if (type == 0x02) {
        const char *end = memchr(rest->p, 0, rest->n);
        n = end ? (size_t)(end - rest->p) : rest->n;
        used = end ? n + 1 : n;
    } else if (type == BINXML_SID && windows_sid(sid, *rest, &used)) {
        n = used;
    } else {
        n = used = size && size <= rest->n ? size : rest->n;
    }
    *item = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, used, rest->n);
    return true;
}

/* ---- putting text where it belongs --------------------------------------- */

/* Joins text to the attribute or text that is there already. */
static bool join(struct reader *r, struct binxml_part *to, struct str more)
{
    if (to->value.n == 0 || more.n == 0) {
        if (more.n)
            to->value = more;
        return true;
    }
    if (!spend(r, &r->text, &r->x->text, to->value.n + more.n))
        return false;
    char *p = arena_alloc(r->x->arena, to->value.n + more.n);
    if (!p)
        return no_memory(r);
    memcpy(p, to->value.p, to->value.n);
    memcpy(p + to->value.n, more.p, more.n);
    to->value = (struct str){ p, to->value.n + more.n };
    return true;
}

static bool put_text(struct reader *r, const struct binxml_part *v)
{
    struct binxml *x = r->x;
    struct binxml_part *to = NULL;
    if (r->n_open)
        r->open[r->n_open - 1].optional = false;
    if (v->value.n == 0 && r->attribute == SIZE_MAX)
        return true;
    if (r->attribute != SIZE_MAX) {
        to = &x->v[r->attribute];
        r->attribute_absent = false;
    } else if (r->n_open == 0 || r->in_start) {
        return fail(r, "text outside of an element");
    } else if (x->n && x->v[x->n - 1].kind == BINXML_TEXT) {
        to = &x->v[x->n - 1];
    }
    if (!to) {
        to = part(r, BINXML_TEXT);
        if (!to)
            return false;
    }
    if (to->value.n == 0) {
        to->type = v->type;
        to->number = v->number;
    }
    return join(r, to, v->value);
}

/* The element that is open once more: of an array, each value has one. */
static bool repeat_element(struct reader *r)
{
    struct binxml *x = r->x;
    size_t from = r->open[r->n_open - 1].part, n = 1;
    if (!part(r, BINXML_CLOSE))
        return false;
    while (from + n < x->n && x->v[from + n].kind == BINXML_ATTR)
        n++;
    if (!spend(r, &r->steps, &x->steps, n))
        return false;
    r->open[r->n_open - 1].part = x->n;
    for (size_t i = 0; i < n; i++) {
        struct binxml_part *p = part(r, BINXML_ATTR);
        if (!p)
            return false;
        *p = x->v[from + i];
    }
    return true;
}

static bool put_array(struct reader *r, unsigned type, struct str rest)
{
    struct str item;
    for (bool first = true; array_next(type, &rest, &item); first = false) {
        struct binxml_part v = { 0 };
        if (!spend(r, &r->steps, &r->x->steps, 1))
            return false;
        if (!first && r->attribute == SIZE_MAX && r->n_open && !r->in_start &&
            !repeat_element(r))
            return false;
        if (!value_of(r, type, item, &v) || !put_text(r, &v))
            return false;
    }
    return true;
}

static bool absent(struct reader *r)
{
    if (r->attribute != SIZE_MAX && r->x->v[r->attribute].value.n == 0)
        r->attribute_absent = true;
    else if (r->n_open && r->x->n == r->open[r->n_open - 1].part + 1)
        r->open[r->n_open - 1].optional = true;
    return true;
}

static bool substitute(struct reader *r, bool optional)
{
    const char *p = take(r, 3);
    struct frame *f = top(r);
    if (!p)
        return false;
    size_t i = u16le(p);
    if (!f->values || i >= f->n_values)
        return fail(r, "it asks for a value that is not there");
    struct value v = f->values[i];
    struct str s = str_sub(r->chunk, v.at, v.n);
    if (optional && (v.type == 0 || v.n == 0))
        return absent(r);
    if (v.type == 0x21) {
        if (r->n_open)
            r->open[r->n_open - 1].optional = false;
        return push(
            r, (struct frame){ .at = v.at, .end = v.at + v.n, .bare = true });
    }
    if (v.type & ARRAY)
        return put_array(r, v.type & ~(unsigned)ARRAY, s);
    struct binxml_part out = { 0 };
    return value_of(r, v.type, s, &out) && put_text(r, &out);
}

/* ---- tokens -------------------------------------------------------------- */

/* An attribute ends where anything but its value comes. */
static void end_attribute(struct reader *r)
{
    if (r->attribute != SIZE_MAX && r->attribute_absent &&
        r->attribute + 1 == r->x->n)
        r->x->n--;
    r->attribute = SIZE_MAX;
    r->attribute_absent = false;
}

/* In values, and in records that were forwarded from elsewhere, elements have
 * no dependency id in front of their length: told by which of the two readings
 * gives a length that fits. */
static bool without_dependency(struct reader *r)
{
    struct frame *f = top(r);
    const char *p = r->chunk.p + f->at;
    size_t left = f->end - f->at;
    if (f->bare || left < 10)
        return f->bare;
    f->bare = u32le(p + 2) > left - 6 && u32le(p) <= left - 4;
    return f->bare;
}

static bool open_element(struct reader *r, bool attributes)
{
    struct binxml_part *p;
    if (r->in_start)
        return fail(r, "an element within a start tag");
    if (r->n_open == DEPTH)
        return fail(r, "too many elements within each other");
    if (!take(r, without_dependency(r) ? 4 : 6))
        return false;
    p = part(r, BINXML_OPEN);
    if (!p)
        return false;
    size_t at = r->x->n - 1;
    struct str name;
    if (!name_of(r, &name) || (attributes && !take(r, 4)))
        return false;
    r->x->v[at].name = name;
    if (r->n_open)
        r->open[r->n_open - 1].optional = false;
    r->open[r->n_open++] = (struct open){ .part = at };
    r->in_start = true;
    return true;
}

static bool close_element(struct reader *r)
{
    if (r->n_open == 0)
        return fail(r, "an element ends that did not begin");
    struct open o = r->open[--r->n_open];
    r->in_start = false;
    if (o.optional) {
        r->x->n = o.part;
        return true;
    }
    r->done = r->n_open == 0;
    return part(r, BINXML_CLOSE);
}

static bool open_attribute(struct reader *r)
{
    struct str name;
    if (!r->in_start)
        return fail(r, "an attribute outside of a start tag");
    if (!name_of(r, &name))
        return false;
    struct binxml_part *p = part(r, BINXML_ATTR);
    if (!p)
        return false;
    p->name = name;
    r->attribute = r->x->n - 1;
    return true;
}

static bool counted_text(struct reader *r, struct str *out)
{
    const char *n = take(r, 2);
    const char *p = n ? take(r, (size_t)u16le(n) * 2) : NULL;
    if (!p)
        return false;
    return text_of(r, (struct str){ p, (size_t)u16le(n) * 2 }, out);
}

static bool literal(struct reader *r, bool typed)
{
    struct binxml_part v = { .type = BINXML_STRING };
    const char *type = typed ? take(r, 1) : "\x01";
    if (!type)
        return false;
    if (*type != BINXML_STRING)
        return fail(r, "a literal value that is no text");
    return counted_text(r, &v.value) && put_text(r, &v);
}

static bool character(struct reader *r)
{
    struct binxml_part v = { .type = BINXML_STRING };
    const char *p = take(r, 2);
    return p && text_of(r, (struct str){ p, 2 }, &v.value) && put_text(r, &v);
}

static bool entity(struct reader *r)
{
    static const struct {
        const char *name, *text;
    } known[] = { { "lt", "<" },
                  { "gt", ">" },
                  { "amp", "&" },
                  { "quot", "\"" },
                  { "apos", "'" } };
    struct binxml_part v = { .type = BINXML_STRING };
    if (!name_of(r, &v.value))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(v.value, str_from(known[i].name)))
            v.value = str_from(known[i].text);
    return put_text(r, &v);
}

/* The values of a template: a count, then size and type of each, then they
 * themselves. */
static bool template_values(struct reader *r, struct frame *of)
{
    const char *p = take(r, 4);
    size_t n = p ? u32le(p) : 0;
    if (!p)
        return false;
    if (n > r->chunk.n / 4)
        return fail(r, "a template with too many values");
    const char *types = take(r, 4 * n);
    struct value *v = types ? arena_array(r->x->arena, n + 1, sizeof *v) : NULL;
    if (!types)
        return false;
    if (!v)
        return no_memory(r);
    for (size_t i = 0; i < n; i++) {
        v[i] = (struct value){ .at = (uint32_t)top(r)->at,
                               .n = u16le(types + 4 * i),
                               .type = (uint8_t)types[4 * i + 2] };
        if (!take(r, v[i].n))
            return false;
    }
    of->values = v;
    of->n_values = n;
    return spend(r, &r->steps, &r->x->steps, n);
}

static bool template(struct reader *r)
{
    const char *p = take(r, 9); /* a byte, its id, its offset */
    if (!p)
        return false;
    size_t at = u32le(p + 5);
    if (at > r->chunk.n || r->chunk.n - at < TEMPLATE_HEAD)
        return fail(r, "a template lies outside its chunk");
    size_t n = u32le(r->chunk.p + at + 20);
    if (n > r->chunk.n - at - TEMPLATE_HEAD)
        return fail(r, "a template lies outside its chunk");
    if (at == top(r)->at && !take(r, TEMPLATE_HEAD + n))
        return false;
    struct frame f = { .at = at + TEMPLATE_HEAD,
                       .end = at + TEMPLATE_HEAD + n };
    return template_values(r, &f) && push(r, f);
}

static bool skip_instruction(struct reader *r, bool target)
{
    struct str ignored;
    return target ? name_of(r, &ignored) : counted_text(r, &ignored);
}

static bool token(struct reader *r, unsigned t)
{
    switch (t & ~(unsigned)MORE) {
    case END:
        r->n_frames--;
        return true;
    case OPEN:
        return open_element(r, t & MORE);
    case CLOSE_START:
        if (!r->in_start)
            return fail(r, "a start tag ends that did not begin");
        r->in_start = false;
        return true;
    case CLOSE_EMPTY:
    case CLOSE:
        return close_element(r);
    case VALUE:
        return literal(r, true);
    case ATTRIBUTE:
        return open_attribute(r);
    case CDATA:
        return literal(r, false);
    case CHARACTER:
        return character(r);
    case ENTITY:
        return entity(r);
    case PI_TARGET:
        return skip_instruction(r, true);
    case PI_DATA:
        return skip_instruction(r, false);
    case TEMPLATE:
        return template(r);
    case SUBSTITUTE:
        return substitute(r, false);
    case OPTIONAL:
        return substitute(r, true);
    case FRAGMENT:
        return take(r, 3);
    default:
        return fail(r, "an unknown token");
    }
}

static bool value_token(unsigned t)
{
    t &= ~(unsigned)MORE;
    return t == VALUE || t == CHARACTER || t == ENTITY || t == SUBSTITUTE ||
           t == OPTIONAL;
}

int binxml_read(struct binxml *x, struct str chunk, size_t at, size_t end)
{
    struct reader r = { .x = x,
                        .chunk = chunk,
                        .attribute = SIZE_MAX,
                        .steps = RECORD_STEPS,
                        .text = RECORD_TEXT };
    x->n = 0;
    x->why = NULL;
    if (at > end || end > chunk.n ||
        !push(&r, (struct frame){ .at = at, .end = end }))
        return fail(&r, "it lies outside its chunk") ? 0 : r.rc;
    while (r.n_frames && !r.rc && !r.done) {
        if (top(&r)->at == top(&r)->end) {
            r.n_frames--;
            continue;
        }
        const char *t = take(&r, 1);
        if (!t || !spend(&r, &r.steps, &x->steps, 1))
            break;
        if (!value_token((unsigned char)*t))
            end_attribute(&r);
        if (!token(&r, (unsigned char)*t))
            break;
    }
    if (!r.rc && r.n_open)
        fail(&r, "it ends within an element");
    return r.rc;
}
