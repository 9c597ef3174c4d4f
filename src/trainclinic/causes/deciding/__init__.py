"""Tests that separate causes, with what each answer would say; chosen by `causes.next_tests`."""
