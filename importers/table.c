/* The importers, one line each, and recognition over all of them. */
#include "importers/importer.h"

extern const struct importer importers_apt_history;
extern const struct importer importers_accounts;
extern const struct importer importers_auditd;
extern const struct importer importers_aws_credentials;
extern const struct importer importers_cloud_agents;
extern const struct importer importers_cloud_data;
extern const struct importer importers_cloud_init;
extern const struct importer importers_cloudtrail;
extern const struct importer importers_cloudtrail_csv;
extern const struct importer importers_cloudtrail_digest;
extern const struct importer importers_cloudwatch;
extern const struct importer importers_cloudwatch_exports;
extern const struct importer importers_container;
extern const struct importer importers_container_log;
extern const struct importer importers_disk;
extern const struct importer importers_dnf_history;
extern const struct importer importers_dnf_log;
extern const struct importer importers_dpkg_files;
extern const struct importer importers_dpkg_log;
extern const struct importer importers_dpkg_status;
extern const struct importer importers_ec2launch;
extern const struct importer importers_evtx;
extern const struct importer importers_history;
extern const struct importer importers_host_identity;
extern const struct importer importers_iis;
extern const struct importer importers_journald;
extern const struct importer importers_lastlog;
extern const struct importer importers_memory;
extern const struct importer importers_powershell_history;
extern const struct importer importers_powershell_transcript;
extern const struct importer importers_registry;
extern const struct importer importers_persistence;
extern const struct importer importers_rpmdb;
extern const struct importer importers_scheduled_task;
extern const struct importer importers_setupapi;
extern const struct importer importers_ssm_agent;
extern const struct importer importers_ssm_orchestration;
extern const struct importer importers_syslog;
extern const struct importer importers_user_data;
extern const struct importer importers_utmp;
extern const struct importer importers_web_access;
extern const struct importer importers_web_error;
extern const struct importer importers_yum_log;
extern const struct importer importers_windows_firewall;

const struct importer *const importers[] = {
    &importers_apt_history,
    &importers_accounts,
    &importers_auditd,
    &importers_aws_credentials,
    &importers_cloud_agents,
    &importers_cloud_data,
    &importers_cloud_init,
    &importers_cloudtrail,
    &importers_cloudtrail_csv,
    &importers_cloudtrail_digest,
    &importers_cloudwatch,
    &importers_cloudwatch_exports,
    &importers_container,
    &importers_container_log,
    &importers_disk,
    &importers_dnf_history,
    &importers_dnf_log,
    &importers_dpkg_files,
    &importers_dpkg_log,
    &importers_dpkg_status,
    &importers_ec2launch,
    &importers_evtx,
    &importers_history,
    &importers_host_identity,
    &importers_iis,
    &importers_journald,
    &importers_lastlog,
    &importers_memory,
    &importers_powershell_history,
    &importers_powershell_transcript,
    &importers_registry,
    &importers_persistence,
    &importers_rpmdb,
    &importers_scheduled_task,
    &importers_setupapi,
    &importers_ssm_agent,
    &importers_ssm_orchestration,
    &importers_syslog,
    &importers_user_data,
    &importers_utmp,
    &importers_web_access,
    &importers_web_error,
    &importers_yum_log,
    &importers_windows_firewall,
    NULL,
};

const struct importer *importer_by_name(struct str name)
{
    for (size_t i = 0; importers[i]; i++)
        if (str_ieq(str_from(importers[i]->name), name))
            return importers[i];
    return NULL;
}

const struct importer *importer_look(struct probe *p, struct source *src,
                                     int confidence)
{
    const struct importer *best = NULL;
    int most = confidence < 50 ? 49 : confidence;
    for (size_t i = 0; confidence < IMPORTER_LOOK && importers[i]; i++) {
        struct probe asked = *p;
        int c = importers[i]->look ? importers[i]->look(&asked, src) : 0;
        if (c > most) {
            most = c;
            best = importers[i];
            p->reason = asked.reason;
        }
    }
    return best;
}

enum { SURE = 95 };

const struct importer *importer_recognise(struct probe *p, int *confidence)
{
    const struct importer *best = NULL;
    const char *reason = "";
    *confidence = 0;
    /* Two that are sure of one content is a bug (tests look for it), so the
     * first sure one ends the search: folders of small files gain by it. */
    for (size_t i = 0; importers[i] && *confidence < SURE; i++) {
        struct probe asked = *p;
        int c = importers[i]->probe(&asked);
        if (c > *confidence) {
            *confidence = c;
            best = importers[i];
            reason = asked.reason;
        }
    }
    p->reason = reason;
    return *confidence >= 50 ? best : NULL;
}
