#include "tui/list.h"

static void to(struct list *l, int row)
{
    l->cursor = row >= l->n ? l->n - 1 : row;
    if (l->cursor < 0)
        l->cursor = 0;
}

void list_resize(struct list *l, int n)
{
    l->n = n;
    to(l, l->cursor);
}

bool list_act(struct list *l, enum action action)
{
    int page = l->page > 1 ? l->page - 1 : 1;
    switch (action) {
    case ACTION_UP:
        to(l, l->cursor - 1);
        return true;
    case ACTION_DOWN:
        to(l, l->cursor + 1);
        return true;
    case ACTION_PAGE_UP:
        to(l, l->cursor - page);
        return true;
    case ACTION_PAGE_DOWN:
        to(l, l->cursor + page);
        return true;
    case ACTION_FIRST:
        to(l, 0);
        return true;
    case ACTION_LAST:
        to(l, l->n - 1);
        return true;
    default:
        return false;
    }
}

void list_show(struct list *l, int h)
{
    l->page = h;
    if (h <= 0)
        return;
    if (l->cursor < l->top)
        l->top = l->cursor;
    if (l->cursor >= l->top + h)
        l->top = l->cursor - h + 1;
    if (l->top > l->n - h)
        l->top = l->n - h;
    if (l->top < 0)
        l->top = 0;
}
