# Greets NAME. LANGUAGE is en, de or fr; TONE is plain or polite.
set -eu
case "$LANGUAGE-$TONE" in
  en-plain) echo "Hello, $NAME!" ;;
  en-polite) echo "Good day, $NAME. It is a pleasure to see you here, and we hope that you stay." ;;
  de-plain) echo "Hallo, $NAME!" ;;
  de-polite) echo "Guten Tag, $NAME." ;;
  fr-plain) echo "Salut, $NAME !" ;;
  fr-polite) echo "Bonjour, $NAME." ;;
  *) echo "there is no greeting for $LANGUAGE-$TONE" >&2; exit 2 ;;
esac
