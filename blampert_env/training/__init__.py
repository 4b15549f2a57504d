"""Training and evaluation: rollouts, the run folder, the loop. Composes the other rooms."""
