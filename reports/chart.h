/*
 * Drawings as inline SVG: lanes of coverage and bars of counts. Shapes have
 * classes and presentation attributes only (the page's policy blocks style
 * attributes); each has a title, and a table with the data stands beside it.
 */
#pragma once

#include "reports/html.h"

#include "base/time.h"

struct chart {
    struct html *h;
    int64_t from, to; /* seconds */
    unsigned height;
    size_t lane, lanes;
    const char *run_class; /* span not drawn yet */
    double run_from, run_to;
};

/* Lanes, one below the other, over [from, to) seconds. */
void chart_lanes(struct chart *c, struct html *h, enum word title, size_t lanes,
                 int64_t from, int64_t to);
/* The next lane with its name, in parts. */
void chart_lane(struct chart *c, const struct str *names, size_t n);
/* A span of this lane; ascending. class_: present, absent, unknown, damaged */
void chart_span(struct chart *c, const char *class_, int64_t from, int64_t to);
/* The axis and what the classes mean. */
void chart_end(struct chart *c, const char *const *classes,
               const enum word *words, size_t n);

/* Bars of counts in n equal parts of [from, to). */
void chart_bars(struct html *h, enum word title, struct str per,
                const uint64_t *counts, size_t n, int64_t from, int64_t to);
