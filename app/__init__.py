"""The service: takes messages over HTTP, puts them into a queue, works on them."""
