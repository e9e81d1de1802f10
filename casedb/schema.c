/*
 * Four kinds of tables, never mixed (HOUSE 5): intake and examiner rows and
 * the audit log are append-only by triggers; index tables can be rebuilt from
 * intake; derived tables are made by analyze and may be dropped.
 */
#include "casedb/schema.h"

#include <stddef.h>

#define APPEND_ONLY(table)                                                     \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table               \
    " BEGIN SELECT RAISE(ABORT,'" table " is append-only'); END",              \
        "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table           \
        " BEGIN SELECT RAISE(ABORT,'" table " is append-only'); END"

const char *const case_schema[] = {
    /* ---- about the case */
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID",

    /* ---- intake */
    "CREATE TABLE exhibit(no INTEGER PRIMARY KEY, path BLOB NOT NULL,"
    " note TEXT NOT NULL, supplement_of INTEGER NOT NULL,"
    " imported_s INTEGER NOT NULL, embed INTEGER NOT NULL) STRICT",
    "CREATE TABLE exhibit_end(exhibit INTEGER PRIMARY KEY"
    " REFERENCES exhibit(no), kind TEXT NOT NULL, n_files INTEGER NOT NULL,"
    " size INTEGER NOT NULL, sha256 BLOB NOT NULL, n_read INTEGER NOT NULL,"
    " n_stored INTEGER NOT NULL, n_dup INTEGER NOT NULL,"
    " n_rejected INTEGER NOT NULL, n_issues INTEGER NOT NULL,"
    " n_members INTEGER NOT NULL, first_event INTEGER NOT NULL,"
    " n_events INTEGER NOT NULL) STRICT",
    /* claimed digests and acquisition records given by the examiner, stored
     * digests found in containers: scope file | media | claimed | stored */
    "CREATE TABLE digest(exhibit INTEGER NOT NULL REFERENCES exhibit(no),"
    " path BLOB NOT NULL, scope TEXT NOT NULL, algo TEXT NOT NULL,"
    " value BLOB NOT NULL, outcome TEXT NOT NULL, at_s INTEGER NOT NULL,"
    " note TEXT NOT NULL) STRICT",
    "CREATE TABLE run(id INTEGER PRIMARY KEY,"
    " exhibit INTEGER NOT NULL REFERENCES exhibit(no),"
    " version TEXT NOT NULL, libraries TEXT NOT NULL, fences TEXT NOT NULL,"
    " options TEXT NOT NULL, started_s INTEGER NOT NULL) STRICT",
    "CREATE TABLE member(id INTEGER PRIMARY KEY,"
    " exhibit INTEGER NOT NULL REFERENCES exhibit(no), path BLOB NOT NULL,"
    " layers BLOB NOT NULL, format TEXT NOT NULL, size INTEGER NOT NULL,"
    " sha256 BLOB, n_read INTEGER NOT NULL, n_stored INTEGER NOT NULL,"
    " n_dup INTEGER NOT NULL, n_rejected INTEGER NOT NULL,"
    " first_event INTEGER NOT NULL, n_events INTEGER NOT NULL) STRICT",
    "CREATE TABLE entity(id INTEGER PRIMARY KEY, value ANY NOT NULL) STRICT",
    "CREATE TABLE event(id INTEGER PRIMARY KEY, t_s INTEGER, t_ns INTEGER,"
    " t_kind INTEGER NOT NULL, t_zone INTEGER NOT NULL,"
    " t_res INTEGER NOT NULL, member INTEGER NOT NULL, off INTEGER NOT NULL,"
    " len INTEGER NOT NULL, sub INTEGER NOT NULL, severity INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, source INTEGER, action INTEGER, actor INTEGER,"
    " target INTEGER, outcome INTEGER, ip INTEGER, key INTEGER,"
    " agent INTEGER, region INTEGER, account INTEGER, service INTEGER,"
    " uid BLOB, request BLOB, text ANY, refs BLOB, body INTEGER) STRICT",
    "CREATE TABLE sighting(event INTEGER NOT NULL, member INTEGER NOT NULL,"
    " off INTEGER NOT NULL, len INTEGER NOT NULL,"
    " PRIMARY KEY(event, member, off)) STRICT, WITHOUT ROWID",
    "CREATE TABLE file(id INTEGER PRIMARY KEY, member INTEGER NOT NULL,"
    " volume TEXT NOT NULL, path INTEGER NOT NULL REFERENCES entity(id),"
    " inode INTEGER NOT NULL, parent_inode INTEGER NOT NULL,"
    " type INTEGER NOT NULL, mode INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " gid INTEGER NOT NULL, links INTEGER NOT NULL, size INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, t_res INTEGER NOT NULL, m_s INTEGER,"
    " m_ns INTEGER, a_s INTEGER, a_ns INTEGER, c_s INTEGER, c_ns INTEGER,"
    " b_s INTEGER, b_ns INTEGER, d_s INTEGER, d_ns INTEGER,"
    " link_target BLOB, sha256 BLOB, sha1 BLOB, md5 BLOB,"
    " view INTEGER NOT NULL, found INTEGER NOT NULL,"
    " confidence INTEGER NOT NULL, free_bytes INTEGER NOT NULL,"
    " device INTEGER NOT NULL, content_type TEXT,"
    " first_event INTEGER NOT NULL, folder INTEGER REFERENCES entity(id))"
    " STRICT",
    "CREATE TABLE xattr(id INTEGER PRIMARY KEY, file INTEGER NOT NULL"
    " REFERENCES file(id), name ANY NOT NULL, value BLOB NOT NULL) STRICT",
    /* what packages of a host say of themselves and of their files; joined by
     * path and digest (rule C18) */
    "CREATE TABLE package(id INTEGER PRIMARY KEY, member INTEGER NOT NULL,"
    " name INTEGER NOT NULL REFERENCES entity(id), manager INTEGER NOT NULL,"
    " version TEXT NOT NULL, arch TEXT NOT NULL, vendor TEXT NOT NULL,"
    " signer TEXT NOT NULL, state TEXT NOT NULL, installed_s INTEGER,"
    " built_s INTEGER) STRICT",
    "CREATE TABLE package_file(id INTEGER PRIMARY KEY,"
    " member INTEGER NOT NULL, package INTEGER NOT NULL REFERENCES entity(id),"
    " path INTEGER NOT NULL REFERENCES entity(id), manager INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, mode INTEGER, size INTEGER, m_s INTEGER,"
    " owner ANY, grp ANY, digest BLOB, link_target BLOB) STRICT",
    "CREATE TABLE issue(id INTEGER PRIMARY KEY, exhibit INTEGER NOT NULL,"
    " member INTEGER NOT NULL, severity INTEGER NOT NULL,"
    " off INTEGER NOT NULL, len INTEGER NOT NULL, code TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT",
    "CREATE TABLE fact(id INTEGER PRIMARY KEY, exhibit INTEGER NOT NULL,"
    " member INTEGER NOT NULL, name TEXT NOT NULL, value ANY NOT NULL)"
    " STRICT",
    "CREATE TABLE embedded(member INTEGER PRIMARY KEY, data BLOB NOT NULL)"
    " STRICT",

    /* ---- index: rebuildable from intake */
    "CREATE TABLE checkpoint(exhibit INTEGER PRIMARY KEY,"
    " state BLOB NOT NULL) STRICT",
    "CREATE TABLE batch(id INTEGER PRIMARY KEY, first_event INTEGER NOT NULL,"
    " n_events INTEGER NOT NULL, n_undated INTEGER NOT NULL,"
    " min_s INTEGER, max_s INTEGER) STRICT",
    "CREATE TABLE posting(id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
    " STRICT",
    "CREATE TABLE value_index(id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
    " STRICT",
    "CREATE TABLE uid_index(id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
    " STRICT",
    "CREATE TABLE minute(minute INTEGER NOT NULL, source INTEGER NOT NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY(minute, source))"
    " STRICT, WITHOUT ROWID",

    "CREATE INDEX file_path ON file(path)",
    "CREATE INDEX file_folder ON file(folder)",
    "CREATE INDEX xattr_file ON xattr(file)",
    "CREATE INDEX package_file_path ON package_file(path)",

    /* ---- derived */
    "CREATE TABLE link(id INTEGER PRIMARY KEY, rule TEXT NOT NULL,"
    " rule_version INTEGER NOT NULL, class INTEGER NOT NULL,"
    " a_kind INTEGER NOT NULL, a INTEGER NOT NULL, b_kind INTEGER NOT NULL,"
    " b INTEGER NOT NULL, entity INTEGER NOT NULL, n INTEGER NOT NULL,"
    " reason TEXT NOT NULL) STRICT",
    "CREATE INDEX link_a ON link(a_kind, a)",
    "CREATE INDEX link_b ON link(b_kind, b)",
    "CREATE INDEX link_entity ON link(entity)",
    "CREATE TABLE coverage(id INTEGER PRIMARY KEY, source TEXT NOT NULL,"
    " account TEXT NOT NULL, region TEXT NOT NULL, from_s INTEGER NOT NULL,"
    " to_s INTEGER NOT NULL, state INTEGER NOT NULL, basis TEXT NOT NULL,"
    " event INTEGER NOT NULL) STRICT",
    "CREATE TABLE known(file INTEGER PRIMARY KEY, class INTEGER NOT NULL,"
    " list INTEGER NOT NULL) STRICT",
    "CREATE TABLE analyzed(id INTEGER PRIMARY KEY, n_events INTEGER NOT NULL)"
    " STRICT",

    /* ---- examiner */
    "CREATE TABLE custody(id INTEGER PRIMARY KEY,"
    " exhibit INTEGER NOT NULL REFERENCES exhibit(no), action TEXT NOT NULL,"
    " from_party TEXT NOT NULL, to_party TEXT NOT NULL, place TEXT NOT NULL,"
    " purpose TEXT NOT NULL, at_s INTEGER NOT NULL, at_text TEXT NOT NULL,"
    " entered_s INTEGER NOT NULL, entered_by TEXT NOT NULL,"
    " corrects INTEGER NOT NULL) STRICT",
    "CREATE TABLE mark(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " cite TEXT NOT NULL, event INTEGER NOT NULL, body TEXT NOT NULL,"
    " author TEXT NOT NULL, at_s INTEGER NOT NULL, undoes INTEGER NOT NULL)"
    " STRICT",
    "CREATE INDEX mark_event ON mark(event)",
    "CREATE TABLE query_log(id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL,"
    " author TEXT NOT NULL, command TEXT NOT NULL, text TEXT NOT NULL,"
    " hits INTEGER NOT NULL) STRICT",
    "CREATE TABLE hash_list(id INTEGER PRIMARY KEY, class INTEGER NOT NULL,"
    " name BLOB NOT NULL, form TEXT NOT NULL, sha256 BLOB NOT NULL,"
    " n INTEGER NOT NULL, n_files INTEGER NOT NULL, at_s INTEGER NOT NULL,"
    " author TEXT NOT NULL) STRICT",
    "CREATE TABLE attachment(id INTEGER PRIMARY KEY,"
    " exhibit INTEGER NOT NULL REFERENCES exhibit(no), path BLOB NOT NULL,"
    " at_s INTEGER NOT NULL) STRICT",

    /* ---- audit */
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY, line TEXT NOT NULL,"
    " hash BLOB NOT NULL CHECK(length(hash)=32)) STRICT",
    "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit"
    " WHEN NEW.seq IS NOT (SELECT ifnull(max(seq),0)+1 FROM audit)"
    " BEGIN SELECT RAISE(ABORT,'audit rows come in order'); END",

    APPEND_ONLY("exhibit"), APPEND_ONLY("exhibit_end"), APPEND_ONLY("digest"),
    APPEND_ONLY("run"), APPEND_ONLY("member"), APPEND_ONLY("entity"),
    APPEND_ONLY("event"), APPEND_ONLY("sighting"), APPEND_ONLY("file"),
    APPEND_ONLY("xattr"), APPEND_ONLY("package"), APPEND_ONLY("package_file"),
    APPEND_ONLY("hash_list"), APPEND_ONLY("issue"), APPEND_ONLY("fact"),
    APPEND_ONLY("embedded"), APPEND_ONLY("custody"), APPEND_ONLY("mark"),
    APPEND_ONLY("query_log"), APPEND_ONLY("attachment"), APPEND_ONLY("audit"),
    NULL
};
