"""What every command shares: the request, the paths of work and query, and the outcome."""
