"""The harness: a small static program per ISA that calls a function on many vectors."""
