"""Fixes of what the loss is computed on: targets, their shift, their mask and their mean."""
