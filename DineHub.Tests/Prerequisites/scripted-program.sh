#!/bin/sh
# A program of a test: links to this file are called as the program, and NAME.script beside the link says what it does. The script is read, not
# executed, because a file that was written a moment ago cannot be executed while another thread forks (ETXTBSY).
. "$0.script"
