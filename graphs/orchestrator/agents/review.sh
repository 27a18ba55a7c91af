# Checks every artifact named on standard input: it has a heading and at least
# forty words. Prints {"problems": [{"id", "remark"}, ...]}.
set -eu
printf '{"problems":['
comma=
while read -r id || [ -n "$id" ]; do
	file="$FOLDER/artifacts/$id.md"
	if ! grep -q '^# ' "$file" || [ "$(wc -w <"$file")" -lt 40 ]; then
		printf '%s{"id":"%s","remark":"too short"}' "$comma" "$id"
		comma=,
	fi
done
echo ']}'
