"""The bundled transports, one module for each style of concurrency.

Each is reached by its word (``threaded+https://…``), by its name, or by its class; a module is imported only when it
is chosen. They stand on `asyncsentry.transport` and `asyncsentry.post` alone, as anybody's own transport would.
"""
