"""Spark helpers without any rule of mutual aid: digests, id filters, broadcasts, values by plan."""
