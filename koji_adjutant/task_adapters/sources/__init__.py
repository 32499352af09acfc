"""From the address of sources to a source package: checkout, what is found in it, what the buildroot makes of it."""
