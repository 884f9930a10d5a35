"""One module for each way of being started; the only places that read the environment."""
