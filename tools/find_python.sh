#!/bin/sh
# Prints the first of the named interpreters that runs, can make virtual environments and is of a version
# from MIN to MAX ("-" for no upper end); says what to do and fails if there is none.
# Usage: find_python.sh MIN MAX INTERPRETER...
set -eu
min=$1 max=$2
shift 2
found=
for python in "$@"; do
    # A name on the path may be a shim without a Python behind it, so each is run.
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    minor=${version#3.}
    case $minor in *.*) minor=-1 ;; esac # Python 2
    if [ "$minor" -lt "${min#3.}" ] || { [ "$max" != - ] && [ "$minor" -gt "${max#3.}" ]; }; then
        found="${found:+$found, }$python is $version"
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        found="${found:+$found, }$python ($version) cannot make virtual environments (Debian, Ubuntu: apt-get install python$version-venv)"
    else
        echo "$python"
        exit 0
    fi
done
case $max in
    -) wanted="Python $min or newer" ;;
    "$min") wanted="Python $min" ;;
    *) wanted="Python $min to $max" ;;
esac
echo "This needs $wanted. Tried $*: ${found:-none of them runs}." >&2
echo "Install one and name it, for example: make PYTHON=/path/to/python$min ..." >&2
exit 1
