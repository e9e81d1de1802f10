#include "cli/deliver.h"

#include "base/text.h"

static int tick(void *ctx, uint64_t done, uint64_t all)
{
    struct deliver *d = ctx;
    return progress_tell(
        &d->progress,
        &(struct progress_state){
            .done = done, .all = all, .items = done, .unit = d->unit });
}

int deliver_open(struct deliver *d, const struct cli *cli, const char *doing,
                 const char *unit, struct report_ticker *out, struct err *err)
{
    d->unit = unit;
    *out = (struct report_ticker){ tick, d };
    return progress_open(&d->progress, cli, doing, err);
}

int deliver_lang(const struct cli *cli, enum report_lang *out, struct err *err)
{
    struct str lang = arg_str(cli, "--lang");
    if (lang.p && !report_lang_from_name(lang, out))
        return err_set(err, ERR_USAGE, "--lang: %s: not en or ja",
                       text_line(lang));
    return 0;
}

int deliver_time(const struct cli *cli, bool *timed, struct instant *out,
                 struct err *err)
{
    struct str v = arg_str(cli, "--time");
    *timed = v.p != NULL;
    if (v.p && !time_parse_user(v, false, out))
        return err_set(err, ERR_USAGE, "--time: %s: not a time", text_line(v));
    return 0;
}
