"""What was paid: money allocated to shares, what lapses, what is final. Pure."""
