"""Propose (untrusted): finds code for a contract."""
