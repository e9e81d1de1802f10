# shellcheck shell=sh
# xfs_proto FOLDER: what `mkfs.xfs -p` makes a copy of the folder from. Names
# and link targets have no blanks.
xfs_proto() {
    printf '/\n0 0\nd--755 0 0\n'
    xfs_proto_in "$1"
    echo '$'
}

xfs_proto_in() {
    for f in "$1"/*; do
        [ -e "$f" ] || [ -L "$f" ] || continue
        if [ -L "$f" ]; then
            echo "${f##*/} l--777 0 0 $(readlink "$f")"
        elif [ -d "$f" ]; then
            echo "${f##*/} d--755 0 0"
            xfs_proto_in "$f"
            echo '$'
        elif [ -p "$f" ]; then
            echo "${f##*/} p--600 0 0"
        else
            echo "${f##*/} ---644 0 0 $f"
        fi
    done
}
