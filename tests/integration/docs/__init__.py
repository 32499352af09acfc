"""The documents for operators, read and run."""
