#!/bin/bash
# PID 1 of a build container: waits for its end, and for every process that nobody else waits for.
sleep infinity &
wait "$!"
