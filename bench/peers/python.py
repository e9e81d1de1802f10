"""Python's gzip, json and sqlite3: CloudTrail files into one table of a file.

    python.py FOLDER DATABASE [DUMP]    prints the seconds that loading took
"""
import calendar
import glob
import gzip
import json
import sqlite3
import sys
import time

FIELDS = ("eventSource", "eventName", "awsRegion", "sourceIPAddress",
          "userAgent", "errorCode", "errorMessage", "requestID", "eventID",
          "eventType", "recipientAccountId")
WHO = ("type", "principalId", "arn", "accessKeyId")


def rows(folder):
    pattern = glob.escape(folder) + "/**/*.json.gz"
    for path in sorted(glob.glob(pattern, recursive=True)):
        with gzip.open(path) as f:
            for r in json.load(f)["Records"]:
                who = r["userIdentity"]
                t = time.strptime(r["eventTime"], "%Y-%m-%dT%H:%M:%SZ")
                yield ([calendar.timegm(t)] + [r.get(n) for n in FIELDS] +
                       [who.get(n) for n in WHO])


def main(folder, database, dump=None):
    start = time.perf_counter()
    db = sqlite3.connect(database)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    columns = ("t",) + FIELDS + WHO
    db.execute("CREATE TABLE event (%s)" % ", ".join(columns))
    db.executemany("INSERT INTO event VALUES (%s)" %
                   ", ".join("?" * len(columns)), rows(folder))
    db.commit()
    print("%.3f" % (time.perf_counter() - start))
    if dump:
        with open(dump, "w") as f:
            for row in db.execute("SELECT eventID, t, eventName FROM event"):
                f.write("%s\t%d\t%s\n" % row)


main(*sys.argv[1:])
