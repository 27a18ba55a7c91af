# Prints the answer to the message on standard input: that of the first line of
# answers.txt, "WORD: answer", whose word is in the message.
set -eu
message=$(cat)
while IFS=: read -r word answer; do
	case $message in
	*"$word"*) printf '%s\n' "${answer# }"; exit 0 ;;
	esac
done <"$FOLDER/answers.txt"
echo "Thank you for writing. A colleague will get back to you."
