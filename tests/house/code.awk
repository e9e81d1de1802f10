# Print the code of C files without comments and with empty strings, as
# FILE:LINE:CODE; lines that say "banned-ok: reason" are left out.
FNR == 1 { in_comment = 0 }
{
    rest = $0
    code = ""
    if (in_comment) {
        end = index(rest, "*/")
        if (!end)
            next
        rest = substr(rest, end + 2)
        in_comment = 0
    }
    while (match(rest, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\/.*|\/\*/)) {
        token = substr(rest, RSTART, 2)
        code = code substr(rest, 1, RSTART - 1)
        if (token == "//") {
            rest = ""
        } else if (token == "/*") {
            rest = substr(rest, RSTART + 2)
            end = index(rest, "*/")
            in_comment = !end
            rest = end ? substr(rest, end + 2) : ""
            code = code " "
        } else {
            quote = substr(token, 1, 1)
            code = code quote quote
            rest = substr(rest, RSTART + RLENGTH)
        }
    }
    code = code rest
    if (code ~ /[^ \t]/ && $0 !~ /banned-ok: *[^ \t*]/)
        print FILENAME ":" FNR ":" code
}
