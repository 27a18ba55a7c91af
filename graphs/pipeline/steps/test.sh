# Compares a greeting with the expected one. Exits with 0 when they are equal, with 1
# when they differ, and with more when there is nothing to compare.
set -eu
got=$(NAME=Ada sh project/greet.sh)
printf '%s\n' "$got" | diff - "project/expected/$LANGUAGE-$TONE.txt"
