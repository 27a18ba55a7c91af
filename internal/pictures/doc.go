// Pictures draws what a terminal shows: it reads the lines of a screen with their
// colors, as `tmux capture-pane -p -e` prints them, and writes an SVG. It is used by
// .ci/pictures.
package main
