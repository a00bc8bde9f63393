"""The unprivileged half of Slipway: pages, workshops, the lesson player, the pump."""
