# Saves its standard input as FOLDER/ID.md, whole or not at all.
set -e
mkdir -p "$FOLDER"
cat >"$FOLDER/.$ID.$$"
mv "$FOLDER/.$ID.$$" "$FOLDER/$ID.md"
echo "saved $ID.md"
