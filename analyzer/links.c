/* The table of rules, and what they share. */
#include "analyzer/links.h"
#include "analyzer/links_rule.h"

#include <stdlib.h>

#include "base/text.h"

/* clang-format off: one a paragraph */
const struct links_rule links_rules[] = {
    { "C1", 2, "Credential issued and used",
      "The answer of one call holds an access key id and later calls were "
      "signed with that id; one link for each address it was used from. Says "
      "that the credentials are the same, not who held them. Calls after the "
      "expiry that the answer states are kept and named: clocks, late "
      "delivery, or a record that is not what it seems.",
      LINK_EXACT, links_issued },
    { "C2", 1, "Access key made and used",
      "CreateAccessKey made the key id and later calls were signed with it; "
      "one link for each address. Says nothing of who was given the key.",
      LINK_EXACT, links_key_made },
    { "C3", 1, "Both sides of one call",
      "Two accounts recorded the same call under one shared event id. They "
      "are two views of one act, not two acts.",
      LINK_EXACT, links_shared },
    { "C7", 1, "Resource made and what became of it",
      "A call made an instance, volume, snapshot or image, and another call "
      "that succeeded attached, copied, shared or imaged it. A volume moves "
      "between instances: each link is a moment, not a state.",
      LINK_EXACT, links_made },
    { "C8", 1, "Exhibit of a resource",
      "The note, the custody entries or the acquisition record of an exhibit "
      "state the id of a resource that CloudTrail names. As right as who "
      "wrote it: the bytes of an image hold no id.",
      LINK_EXACT, links_exhibit },
    { "C9", 2, "Resource named inside an exhibit",
      "The id of a resource occurs in an exhibit of another source. Images "
      "carry ids of the machines they were made from, so it is a candidate "
      "only; but exact where the exhibit is stated to be a volume or snapshot, "
      "CloudTrail has that volume at an instance, and cloud-init noted the "
      "same instance at the last boot.",
      LINK_CANDIDATE, links_inside },
    { "C10", 1, "Same machine or file system id",
      "Two exhibits hold one machine id, or one UUID of a file system. All "
      "instances of an image and all copies of a snapshot share them: the "
      "same machine, or of one origin.",
      LINK_CANDIDATE, links_same_ids },
    { "C13", 1, "Key pushed and logged in with",
      "SendSSHPublicKey gave an instance a public key, and within the 60 "
      "seconds that it lives sshd accepted the key of the same fingerprint "
      "for the same user of the same host. Exact where the exhibit is known "
      "to be that instance, else a candidate: the key may stand in "
      "authorized_keys of several hosts as well.",
      LINK_EXACT, links_pushed_key },
    { "C15", 1, "Command sent and run",
      "The id of a command or session of Systems Manager stands in CloudTrail "
      "and in what the agent left on a host. It was delivered there; what it "
      "did is in the host's own records.",
      LINK_EXACT, links_command },
    { "C16", 1, "Instance made and its user data",
      "CloudTrail has the call that made an instance or changed its user data, "
      "and a host keeps user data under that instance's id. CloudTrail hides "
      "the data itself, so their hashes cannot be compared with the call.",
      LINK_CANDIDATE, links_user_data },
    { "C22", 1, "Key id found and used",
      "An access key id stands in memory, on a disk or in a log text, and "
      "CloudTrail has calls signed with it or the call that issued it. The "
      "id is the same; that it is there does not say that it was used from "
      "there.",
      LINK_EXACT, links_key_found },
};
/* clang-format on */
const size_t links_n_rules = sizeof(links_rules) / sizeof(links_rules[0]);

const struct links_rule *links_rule_find(struct str id)
{
    for (size_t i = 0; i < links_n_rules; i++)
        if (str_ieq(id, str_from(links_rules[i].id)))
            return &links_rules[i];
    return NULL;
}

const char *links_class_name(enum link_class cls)
{
    switch (cls) {
    case LINK_EXACT:
        return "exact";
    case LINK_CANDIDATE:
        return "candidate";
    case LINK_INFERRED:
        return "inferred";
    }
    return "";
}

int links_add(struct links_run *r, const struct link *l, struct err *err)
{
    struct link full = *l;
    full.rule = str_from(r->rule->id);
    full.rule_version = r->rule->version;
    r->result->links++;
    return case_link_add(r->c, &full, err);
}

int links_tally(struct links_run *r, const struct plan *p,
                struct links_use *out, struct err *err)
{
    struct scan *s;
    struct hit h;
    *out = (struct links_use){ 0 };
    int rc = scan_open(r->c, p, NULL, false, &s, err);
    if (rc)
        return rc;
    while ((rc = scan_next(s, &h, err)) > 0) {
        if (out->n++ == 0)
            out->first = h;
        out->last = h;
    }
    scan_close(s);
    return rc;
}

int links_use(struct links_run *r, uint32_t entity, uint32_t role_mask,
              struct links_use *out, struct err *err)
{
    struct plan p = {
        .op = PLAN_ANY_OF, .ids = &entity, .n = 1, .role_mask = role_mask
    };
    return links_tally(r, &p, out, err);
}

static int by_id(const void *a, const void *b)
{
    const struct entity_count *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

int links_entities(struct links_run *r, unsigned kind,
                   struct entity_count **out, size_t *n, struct err *err)
{
    int rc = case_entities_top(r->c, kind, 0, &r->arena, out, n, err);
    if (rc == 0)
        qsort(*out, *n, sizeof(**out), by_id);
    return rc;
}

void links_put_time(struct buf *b, const struct hit *h)
{
    char text[TIME_TEXT_MAX];
    if (!h->timed) {
        buf_putz(b, "at no known time");
        return;
    }
    buf_put(b, (struct str){ text, time_format(text, h->t, -1, 0) });
}

void links_put_n(struct buf *b, uint64_t n, const char *what)
{
    buf_put_u64(b, n);
    buf_putc(b, ' ');
    buf_putz(b, what);
    if (n != 1)
        buf_putc(b, 's');
}

const char *links_action(struct links_run *r, const struct event *e)
{
    struct str action = case_text(r->c, e->action);
    return action.n ? text_line(action) : "an event";
}

static int run_rule(struct links_run *r, struct err *err)
{
    uint64_t before = r->result->links;
    int rc = case_links_begin(r->c, str_from(r->rule->id), err);
    if (rc)
        return rc;
    rc = r->rule->run(r, err);
    if (rc == 0)
        rc = case_links_end(r->c, err);
    if (rc) { /* does nothing when an error of add has done it */
        case_rollback(r->c);
        r->result->links = before;
    }
    arena_free(&r->arena);
    return rc;
}

int links_make(struct casedb *c, const struct raw_reader *raw,
               const struct analyzer_ticker *t, struct links_result *out,
               struct err *err)
{
    struct links_run r = { .c = c, .raw = raw, .ticker = t, .result = out };
    int rc = 0;
    *out = (struct links_result){ 0 };
    for (size_t i = 0; i < links_n_rules && rc == 0; i++) {
        r.rule = &links_rules[i];
        rc = analyzer_tick(t, r.rule->title, i, links_n_rules, err);
        if (rc == 0 && r.rule->run)
            rc = run_rule(&r, err);
    }
    links_inventory_free(r.inventory);
    return rc;
}
