/*
 * Events over time, one row a source: counted by a job, drawn as bars. Where
 * a source is known not to have recorded, the cell says so.
 */
#pragma once

#include "tui/rows.h"

enum { HISTOGRAM_LANES = 6, HISTOGRAM_CELLS = 240 };

struct histogram {
    struct view *v;
    unsigned slot;
    int64_t from_s, to_s; /* what is shown; empty: from_s == to_s */
    int cells;            /* asked for */
    /* The answer, for a range and number of cells of its own. */
    bool ready;
    int64_t got_from, got_to;
    int got_cells;
    uint64_t counts[HISTOGRAM_LANES][HISTOGRAM_CELLS];
    uint64_t lane_total[HISTOGRAM_LANES]; /* within the range */
    uint64_t total, undated, outside;     /* of all that match */
    bool counted;                         /* total is known */
};

void histogram_open(struct histogram *h, struct view *v, unsigned slot);
/* Shows [from, to); counts are asked for when they are not there. */
void histogram_range(struct histogram *h, int64_t from_s, int64_t to_s);
/* Counts anew: another filter, other facts. entity 0 = by the filter. */
void histogram_count(struct histogram *h, struct str filter, uint32_t entity);
/* Number of rows it wants: a row per source and the axis. */
int histogram_rows(const struct histogram *h, int most);
/* A width that differs from the one counted asks for a new count: returns
 * true, histogram_count is to be called. */
bool histogram_draw(struct histogram *h, struct area a,
                    const struct instant *cursor);
void histogram_zoom(struct histogram *h, bool in, const struct instant *at);
void histogram_shift(struct histogram *h, bool later);
