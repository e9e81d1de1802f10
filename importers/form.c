#include "importers/form.h"

static bool is_wild(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool may_be_empty(char c)
{
    return c == 'b' || c == 'e' || c == 'r' || c == 'X';
}

static bool keep(struct form *f, char c, struct str v)
{
    if (v.n == 0 && !may_be_empty(c))
        return false;
    for (size_t i = 0; c == 'n' && i < v.n; i++)
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
    if (f->n == FORM_FIELDS)
        return false;
    f->v[f->n].letter = (char)(c | 0x20);
    f->v[f->n++].value = v;
    return true;
}

/* From the front, up to the form's end or its wild field. */
static bool front(const char **form, struct str *s, struct form *out)
{
    const char *p = *form;
    while (*p && !(p[0] == '%' && is_wild(p[1]))) {
        if (p[0] != '%') {
            if (s->n == 0 || s->p[0] != *p++)
                return false;
            *s = str_sub(*s, 1, s->n);
            continue;
        }
        size_t n = 0;
        while (n < s->n && s->p[n] != ' ' && s->p[n] != p[2])
            n++;
        if (!keep(out, p[1], str_sub(*s, 0, n)))
            return false;
        *s = str_sub(*s, n, s->n);
        p += 2;
    }
    *form = p;
    return true;
}

/* From the back; form is what follows the wild field. */
static bool back(const char *form, struct str *s, struct form *out)
{
    const char *p = form + strlen(form);
    while (p > form) {
        bool field = p - form >= 2 && p[-2] == '%';
        if (!field) {
            if (s->n == 0 || s->p[s->n - 1] != *--p)
                return false;
            s->n--;
            continue;
        }
        size_t n = s->n;
        char stop = p - form > 2 ? p[-3] : ' ';
        while (n && s->p[n - 1] != ' ' && s->p[n - 1] != stop)
            n--;
        if (!keep(out, p[-1], str_sub(*s, n, s->n)))
            return false;
        s->n = n;
        p -= 2;
    }
    return true;
}

bool form_fits(const char *form, struct str message, struct form *out)
{
    out->n = 0;
    if (form[0] != '%' && (message.n == 0 || message.p[0] != form[0]))
        return false;
    if (!front(&form, &message, out))
        return false;
    if (*form == 0)
        return message.n == 0;
    char wild = form[1];
    return back(form + 2, &message, out) && keep(out, wild, message);
}

struct str form_get(const struct form *f, char letter)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->v[i].letter == letter)
            return f->v[i].value;
    return STR("");
}
