"""The kernel by its own names; decides nothing and knows no lab."""
