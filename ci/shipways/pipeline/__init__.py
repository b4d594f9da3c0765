"""The lists of everything that makes, renders or publishes, in order. To add one: a module, a line here, a test.

A list is a module of its own, so that a verb imports no stage that it does not use.
"""
