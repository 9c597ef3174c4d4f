"""The conductor.

This room knows the order of the work: read, judge, and one `Diagnosis` value. It holds no rule,
no number and no layout.
"""
