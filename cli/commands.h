/* The commands, each in its own cmd_NAME.c. */
#pragma once

struct command;

extern const struct command cmd_analyze;
extern const struct command cmd_audit;
extern const struct command cmd_bookmark;
extern const struct command cmd_completion;
extern const struct command cmd_coverage;
extern const struct command cmd_custody;
extern const struct command cmd_disk;
extern const struct command cmd_entities;
extern const struct command cmd_evidence;
extern const struct command cmd_export;
extern const struct command cmd_help;
extern const struct command cmd_host;
extern const struct command cmd_import;
extern const struct command cmd_importers;
extern const struct command cmd_known;
extern const struct command cmd_lineage;
extern const struct command cmd_links;
extern const struct command cmd_man;
extern const struct command cmd_memory;
extern const struct command cmd_new;
extern const struct command cmd_note;
extern const struct command cmd_packages;
extern const struct command cmd_pivot;
extern const struct command cmd_report;
extern const struct command cmd_seal;
extern const struct command cmd_search;
extern const struct command cmd_selftest;
extern const struct command cmd_show;
extern const struct command cmd_status;
extern const struct command cmd_tag;
extern const struct command cmd_timeline;
extern const struct command cmd_tui;
extern const struct command cmd_verdict;
extern const struct command cmd_verify;
extern const struct command cmd_version;
