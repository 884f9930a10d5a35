"""Load and judgement: hold what is deployed against the contract, load it, compare it, report."""
