#!/bin/sh
# Says how many names there are on standard input, a list of JSON.
tr ',' '\n' | wc -l | tr -d ' '
