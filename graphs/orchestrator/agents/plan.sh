# Prints {"todos": [...]} from the lines of idea.md that start with "- ".
set -eu
awk '
	BEGIN { printf "{\"todos\":[" }
	/^- / {
		title = substr($0, 3)
		gsub(/\\/, "\\\\", title); gsub(/"/, "\\\"", title); gsub(/[[:cntrl:]]/, " ", title)
		printf "%s{\"id\":\"todo-%d\",\"title\":\"%s\",\"status\":\"pending\"}", (n++ ? "," : ""), n, title
	}
	END { print "]}" }
' "$FOLDER/idea.md"
