"""The events of a case file as lines: event id, seconds, action.

    dump_case.py CASE LINES
"""
import sqlite3
import sys
import uuid

case, lines = sys.argv[1:]
db = sqlite3.connect("file:%s?mode=ro" % case, uri=True)
db.text_factory = bytes


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


with open(lines, "w") as f:
    for uid, t, action in db.execute(
            "SELECT uid, t_s, value FROM event"
            " LEFT JOIN entity ON entity.id = (56 << 25) + event.action"):
        uid = str(uuid.UUID(bytes=uid)) if len(uid) == 16 else text(uid)
        f.write("%s\t%s\t%s\n" % (uid, t, text(action)))
