"""What a program does, as far as it can be told without running it: values, and the calls and stores in their order.

One walk over the syntax trees evaluates every statement, with values that know where they come from. Nothing is
executed and nothing imported; this package does not judge what it sees.
"""
