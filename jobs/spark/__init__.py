"""Spark's tools without any rule: digests, filters of ids, broadcasts."""
