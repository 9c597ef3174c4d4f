"""Numbers to measured facts: spikes, trends, schedules, speed, loss baselines, the NaN filter.

This room knows arithmetic and statistics on the columns of a record. It knows no file format and no cause, and it
passes no judgement: a plateau is a level and a start, not a fault. Each signal is computed once per record
(`Measured`).
"""
