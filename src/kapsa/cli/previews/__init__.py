"""`kapsa preview`: Environments that stand alone, as CI makes them."""
