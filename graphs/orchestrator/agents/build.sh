# Builds the artifact of one todo; a remark of the review makes it say more.
set -eu
mkdir -p "$FOLDER/artifacts"
file="$FOLDER/artifacts/$ID.md"
{
	printf '# %s\n\nThis part of the project is about: %s.\n' "$TITLE" "$TITLE"
	if [ -n "$REMARK" ]; then
		printf '\n## In detail\n\nThe first draft was %s. Here is what it takes, who needs it,\nand how to tell that it works.\n' "$REMARK"
	fi
} >"$file.new"
mv "$file.new" "$file"
escaped=$(printf %s "$TITLE" | sed 's/\\/\\\\/g; s/"/\\"/g')
printf '{"id":"%s","title":"%s","bytes":%d}\n' "$ID" "$escaped" "$(wc -c <"$file")"
