"""The shipped nano model: weights, vocabulary and sample media as package data."""
