#!/bin/sh
echo "$1 rows of $2"
