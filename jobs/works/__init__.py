"""What each command that writes does on its way: pin, judge, compute, follow up."""
