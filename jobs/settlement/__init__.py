"""The rules of settlement, pure: frames and frozen values in, frames and values out."""
