# Counts one file and prints {"file", "words", "lines"}.
set -eu
printf '{"file":"%s","words":%d,"lines":%d}\n' "$2" "$(wc -w <"$1/$2")" "$(wc -l <"$1/$2")"
