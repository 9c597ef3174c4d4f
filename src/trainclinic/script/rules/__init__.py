"""The rules of the linter: one mistake per file, in packages by the part of a script that they are about.

A rule reads what `script.program` says of a program, and what `knowledge` and `script.oracle` say of libraries.
It does not walk syntax trees itself and does not know other rules.
"""
