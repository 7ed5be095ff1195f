"""Frameworks: each in a module of its own, which the application imports, and nobody else.

An integration uses the places that its framework offers for it. It opens a scope for each request, job or connection,
reports what went wrong in it once, and leaves the application's errors, answers and cancellations as they are.
"""
