#!/bin/sh
echo "small/$1"
