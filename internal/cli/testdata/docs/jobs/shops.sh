#!/bin/sh
printf 'berlin\nlyon\noslo\n'
