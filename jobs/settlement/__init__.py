"""The rules of settlement. Pure functions: frames and frozen values in, frames and values out."""
