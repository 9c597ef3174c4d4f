"""The conductor.

This room knows the order of the work: read, judge, compose, and one `Diagnosis` value. It does not know any rule,
number or layout.
"""
