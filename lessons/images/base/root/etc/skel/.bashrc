# Yours to change: what you add here happens in each new terminal.
