"""From a Koji task's parameters to container specs and steps, and back to the result that the hub expects."""
