"""What benchmarks/terminal.py measures with: one client, four servers, the same shells."""
