"""Task handlers: what each method of a Koji task asks of the hub, a file per family of methods."""
