#!/bin/sh
# The architecture tests see what they are there for: each is run on a small
# tree with faults planted, and must name them.
. "$SRCDIR/tests/lib.sh"

mkdir -p tree/tests tree/base tree/evidence tree/analyzer tree/importers
ln -s "$SRCDIR/tests/lib.sh" tree/tests/lib.sh
mkdir tree/tests/house
for f in "$SRCDIR"/tests/house/*; do ln -s "$f" tree/tests/house/; done
for d in cli tui reports casedb; do mkdir tree/$d; done
for d in base evidence casedb importers analyzer reports tui cli; do
    echo "lib${d}_a_SOURCES =" >tree/$d/local.am
done
echo "check_units =" >tree/tests/local.am

# run_house TEST: its output on the planted tree goes to the file out.
run_house() {
    (SRCDIR=$TMP/tree BUILDDIR=${2:-$BUILDDIR}
    export SRCDIR BUILDDIR
    exec "$SRCDIR/tests/house/$1.t") >out 2>&1
    :
}

cat >tree/base/a.h <<'C'
#pragma once
struct a { size_t n; };
C
cat >tree/base/a.c <<'C'
#include <stdio.h>
#include "evidence/b.h"
#include "base/a.h"
#include <sqlite3.h>
/* strcpy( in a comment, and "strcat(" in a
 * longer one, are not calls */
const char *fine = "strcpy(a, b)"; // sprintf(
void planted(char *d, const char *s) {
    strcpy(d, s);
    my_strcpy(d, s);
    d->strcat(d, s);
    atoi(s); // banned-ok: s is our own constant
    gmtime(0);
    sqlite3_exec(db, "select 1", 0, 0, 0);
    sqlite3_exec(db, s, 0, 0, 0);
    socket(1, 2, 3);
}
C
echo '#include "../base/a.h"' >tree/evidence/b.c
echo '#include "importers/c.h"' >tree/analyzer/d.c
{
    echo 'static int'
    echo 'long_one(void)'
    echo '{'
    seq 1000 | sed 's/.*/    x();/'
    echo '}'
} >tree/importers/long.c

run_house floors
is_match out 'base/a.c:2: .*may include only: base $' "an include upwards"
is_match out 'analyzer/d.c:1: .*may include only: analyzer base casedb' "an include sideways"
is_match out 'evidence/b.c:1: .*name it from the top' "a relative include"
is_match out 'base/a.c:4: <sqlite3.h>: only in casedb' "a misplaced library"
is_match out 'base/a.c: "evidence/b.h" comes before' "own header not first"

run_house headers
is_match out 'base/a.h:' "a header that does not stand alone"

run_house banned
is_match out '^not ok 1' "a banned call"
is_match out 'base/a.c:9: ' "its place"
is "$(grep -cE 'a.c:(5|6|7|10|11|12):' out)" 0 "comments, texts, others' names"
is_match out 'base/a.c:13: ' "calendar outside base/time"
is_match out 'base/a.c:15: ' "a built statement"
is "$(grep -c 'a.c:14:' out)" 0 "a literal statement is fine"
is_match out 'base/a.c:16: ' "a socket"

run_house style
is_match out 'importers/long.c:long_one 1004 lines' "a long function"
is_match out 'importers/long.c 1004 lines' "a long file"

# In pieces, so that this file is not found itself.
echo "see /ho""me/developer/notes and /ho""me/ec2-user/notes" >tree/notes
echo "if then" >tree/tests/broken.t
echo "#include <a" >tree/tests/test_lost.c
truncate -s 9M tree/big
cp "$SRCDIR/run" tree/run
mkdir tree/.ci && cp "$SRCDIR/.ci/run" tree/.ci/run
printf 'liba_a_SOURCES += x.c\nliba_a_SOURCES += x.c\n' >>tree/base/local.am
run_house tree
is_match out '9437184 .*big' "a large file"
is_match out 'notes:1:.*developer' "a private path"
is "$(grep -c 'notes:1:.*ec2-user' out)" 0 "the story's users are fine"
is_match out 'tests/broken.t: .*[Ss]yntax' "a syntax error"
is_match out 'tests/broken.t is not executable' "a test not executable"
is_match out 'tests/test_lost.c is not in tests/local.am' "a forgotten test"
is_match out 'base/a.c is not in base/local.am' "a forgotten source"
is_match out 'base/local.am: twice' "a double entry"

if [ -z "${SANITIZERS:-}" ] && [ "$TEST_NM" != : ]; then
    mkdir objects
    cat >objects/p.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int sqlite3_step(void *);
int changes;
int of_analyzer(void);
int planted(void)
{
    if (changes++)
        exit(of_analyzer());
    puts("x");
    return sqlite3_step(0);
}
C
    echo 'int of_analyzer(void); int of_analyzer(void) { return 1; }' \
        >objects/q.c
    (cd objects && $TEST_CC -c p.c && $TEST_CC -c q.c &&
        ar cr libimporters.a p.o && ar cr libanalyzer.a q.o) >err 2>&1
    is_status $? 0 "planted libraries compile"
    run_house symbols "$TMP/objects"
    is_match out 'importers/p.o: exit' "an exit"
    is_match out 'importers/p.o: puts' "a print"
    is_match out 'importers/p.o: sqlite3_step' "SQL outside casedb"
    is_match out 'importers/p.o: of_analyzer of analyzer' "an upward symbol"
    is_match out 'changes \(importers\)' "a global that changes"
fi
done_testing
