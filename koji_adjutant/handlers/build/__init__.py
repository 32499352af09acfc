"""The tasks of a build: build, buildArch, rebuildSRPM, tagBuild."""
