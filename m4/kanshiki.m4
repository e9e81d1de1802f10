dnl KAN_TRY_CFLAGS(FLAGS): add the flags that the compiler takes without a
dnl word to KAN_CFLAGS. One compilation when it takes all, else one for each.
AC_DEFUN([KAN_TRY_CFLAGS], [
    KAN_TRY_FLAGS([KAN_CFLAGS], [CFLAGS], [AC_COMPILE_IFELSE], [$1])
])

dnl KAN_TRY_LDFLAGS(FLAGS): the same for the linker, into KAN_LDFLAGS.
AC_DEFUN([KAN_TRY_LDFLAGS], [
    KAN_TRY_FLAGS([KAN_LDFLAGS], [LDFLAGS], [AC_LINK_IFELSE], [$1])
])

dnl KAN_TRY_FLAGS(RESULT, VARIABLE, PROBE, FLAGS)
AC_DEFUN([KAN_TRY_FLAGS], [
    for kan_set in "$4" $4; do
        AS_CASE([" $[]$1 "], [*" $kan_set "*], [continue])
        kan_save="$[]$2" kan_save_cflags="$CFLAGS"
        CFLAGS="$CFLAGS -fPIE -Werror"
        $2="$[]$2 $kan_set -Werror"
        AC_MSG_CHECKING([for $2 $kan_set])
        $3([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
            [kan_ok=yes], [kan_ok=no])
        CFLAGS="$kan_save_cflags" $2="$kan_save"
        AC_MSG_RESULT([$kan_ok])
        AS_IF([test $kan_ok = yes], [
            $1="$[]$1 $kan_set"
            AS_IF([test "$kan_set" = "$4"], [break])
        ])
    done
])

dnl KAN_LIB(NAME, PKG-CONFIG MODULE, DEBIAN PACKAGE, HEADER, LIBRARY, FUNCTION)
dnl Sets NAME_CFLAGS and NAME_LIBS; says which package is missing. Without a
dnl module name, the library has no pkg-config file and is probed by linking.
AC_DEFUN([KAN_LIB], [
    m4_ifval([$2], [
        PKG_CHECK_MODULES([$1], [$2], [],
            [AC_MSG_ERROR([$2 not found; on Debian: apt-get install $3])])
    ], [
        AC_CHECK_HEADER([$4], [],
            [AC_MSG_ERROR([header $4 not found; on Debian: apt-get install $3])])
        AC_CHECK_LIB([$5], [$6], [$1_LIBS="-l$5"],
            [AC_MSG_ERROR([lib$5 not found; on Debian: apt-get install $3])])
        AC_SUBST([$1_LIBS])
    ])
])
