# One line a function: lines, static or extern, FILE:NAME. Relies on the
# format: a function's braces stand alone at the start of a line.
FNR == 1 { start = 0; open = 0 }
!open && /^$|^#|^}|;[ \t]*$|\*\/[ \t]*$/ { start = 0; next }
!open && /^[A-Za-z_]/ && !start { start = FNR; head = "" }
!open && /^\{/ { if (start) open = 1; next }
!open && start { head = head " " $0 }
open && /^\}/ {
    name = head
    sub(/[ \t]*__attribute__.*/, "", name)
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    print FNR - start + 1, (head ~ /^ *static/ ? "static" : "extern"),
        FILENAME ":" name
    start = open = 0
}
