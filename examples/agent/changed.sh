#!/bin/sh
# What the agent runs after the file has changed: tell the worker. Put here what reloads yours, such as
# systemctl reload worker. The file has the credential; this prints the fingerprint alone.
set -eu
sed -n 's/^# //p' credential.curl >>changes.log
