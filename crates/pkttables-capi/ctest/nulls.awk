# Makes of pkttables.h a program in C that calls every function with NULL and 0 for all arguments: as the header says, an
# argument is wrong, or the answer is nothing, or something is made, which is freed.

# These have another answer to it.
BEGIN {
    split("version version_number status_name error_status socket_descriptor events_descriptor attribute_find", names)
    for (i in names) answers["pktt_" names[i]] = 1
    print "#include \"" directory "/check.h\"\n\nint main(void) {"
}

/^\/\*\*/, /\*\// { next }
/^}/ { declaration = ""; functions = 0 }
/extern "C" {/ { functions = 1; next }
/^#/ || !functions { next }
{ declaration = declaration " " $0 }
/;$/ { call(declaration); declaration = "" }

function call(declaration,    name, type, count, i, text) {
    match(declaration, /pktt_[a-z0-9_]+\(/)
    type = substr(declaration, 1, RSTART - 1)
    name = substr(declaration, RSTART, RLENGTH - 1)
    gsub(/^ +| +$/, "", type)
    count = split(substr(declaration, RSTART + RLENGTH), arguments, ",")
    for (i = 1; i <= count; i++) {
        gsub(/^ +| *[a-z0-9_]+(\);)?$/, "", arguments[i])
        if (arguments[i]) text = text (text ? ", " : "") "(" arguments[i] ")0"
    }
    text = name "(" text ")"
    if (type == "void" || name in answers) print "    " text ";"
    else if (type == "pktt_status") print "    CHECK(" text " == PKTT_ERROR_ARGUMENT);"
    else if (type ~ /^pktt_[a-z]+ \*$/) print "    " substr(type, 1, length(type) - 2) "_free(" text ");"
    else if (type == "char *") print "    pktt_string_free(" text ");"
    else print "    CHECK(!" text ");"
}

END { print "    return check_failures;\n}" }
