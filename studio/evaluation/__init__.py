"""How well predictors do on items that took no part in learning or choosing."""
