"""`make demo`: a whole mock assessment over HTTP, as its users would run it, with every figure checked independently.

It knows the service only by its public API; the arithmetic in `demo.independent` is its own.
"""
